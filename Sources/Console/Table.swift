/// One cell: text as it came, and what it means.
public struct Cell: ExpressibleByStringInterpolation, Sendable {
    public let text: String
    public let tone: Tone

    public init(_ text: String, _ tone: Tone = .plain) { (self.text, self.tone) = (text, tone) }
    public init(stringLiteral text: String) { self.init(text) }
}

/// Rows under aligned titles. Every cell is escaped here, so that no caller can forget it.
public struct Table {
    public struct Column: Sendable {
        let title: String
        let isNumeric: Bool
        /// The most columns of the terminal that it may take.
        let limit: Int

        public init(_ title: String, isNumeric: Bool = false, limit: Int = 60) {
            (self.title, self.isNumeric, self.limit) = (title, isNumeric, limit)
        }
    }

    public let columns: [Column]
    public private(set) var rows: [[Cell]] = []

    public init(_ columns: [Column]) { self.columns = columns }

    /// A row with a cell for each column.
    public mutating func add(_ cells: [Cell]) {
        precondition(cells.count == columns.count)
        rows.append(zip(cells, columns).map { Cell($0.text.escapedForTerminal.cut(to: $1.limit), $0.tone) })
    }

    public func lines(_ palette: Palette) -> [String] {
        let titles = columns.map { Cell($0.title.escapedForTerminal.cut(to: $0.limit).uppercased(), .strong) }
        let all = [titles] + rows
        let widths = columns.indices.map { index in all.map { $0[index].text.columns }.max() ?? 0 }
        return all.map { row in
            row.indices.map { index in
                let isLast = index == row.count - 1
                let gap = String(repeating: " ", count: widths[index] - row[index].text.columns)
                let text = palette.paint(row[index].text, row[index].tone)
                if columns[index].isNumeric { return gap + text }
                return isLast ? text : text + gap
            }.joined(separator: "  ").trimmedEnd
        }
    }
}

extension String {
    var trimmedEnd: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

/// What a person is shown: lines, built from headings, sentences, named values and tables.
///
/// All text that comes in is escaped; colour is added after that.
public struct Page {
    public private(set) var lines: [String] = []
    let palette: Palette
    /// Seconds since 1970, for "3 min ago".
    let now: Int

    public init(palette: Palette, now: Int) { (self.palette, self.now) = (palette, now) }

    public var text: String { lines.map { $0 + "\n" }.joined() }

    mutating func say(_ text: String, _ tone: Tone = .plain) {
        lines.append(palette.paint(text.escapedForTerminal, tone))
    }

    /// An empty line, but never two and never at the top.
    mutating func gap() {
        if let last = lines.last, !last.isEmpty { lines.append("") }
    }

    mutating func heading(_ text: String) {
        gap()
        say(text.uppercased(), .strong)
    }

    /// `name  value` lines with the values under each other.
    mutating func values(_ pairs: [(name: String, value: Cell)]) {
        let width = pairs.map { $0.name.escapedForTerminal.columns }.max() ?? 0
        for (name, cell) in pairs {
            let name = name.escapedForTerminal
            let gap = String(repeating: " ", count: width - name.columns + 2)
            lines.append(
                ("  " + palette.paint(name, .faint) + gap + palette.paint(cell.text.escapedForTerminal, cell.tone))
                    .trimmedEnd)
        }
    }

    /// A line that is safe already.
    mutating func append(line: String) { lines.append(line) }

    mutating func table(_ table: Table) { lines += table.lines(palette) }

    mutating func note(_ text: String) { say(text, .faint) }
}

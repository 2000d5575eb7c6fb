import JSON

/// Parts of a result that no view knows by name: shown all the same, so that a newer daemon's figures are not lost.
extension Page {
    /// Any value under a heading: records as a table, named values as lines.
    mutating func outline(_ title: String, _ value: JSONValue, atMost limit: Int = .max, depth: Int = 4) {
        if value.isEmpty { return }
        heading(title.spoken)
        switch value {
        case .array(let elements) where elements.contains { $0.object != nil }:
            records(elements.map { ("", $0) }, firstColumn: nil, atMost: limit)
        case .object(let object) where object.members.allSatisfy { $0.value.object != nil }:
            records(object.members.map { ($0.key, $0.value) }, firstColumn: "name", atMost: limit)
        case .object(let object):
            values(
                object.members.filter { $0.value.isScalar || depth == 0 }.map { ($0.key.spoken, Cell(said($0.value))) })
            guard depth > 0 else { return }
            for member in object.members where !member.value.isScalar {
                outline("\(title) \(member.key)", member.value, atMost: limit, depth: depth - 1)
            }
        default: say("  " + said(value))
        }
    }

    /// Figures by name, the highest first; beyond the limit, and what never happened, only as a number.
    mutating func counts(_ title: String, _ members: [JSONObject.Member], atMost limit: Int) {
        if members.isEmpty { return }
        heading(title)
        let sorted = members.enumerated().sorted {
            let (left, right) = ($0.element.value.integer ?? 0, $1.element.value.integer ?? 0)
            return left == right ? $0.offset < $1.offset : left > right
        }.map(\.element)
        let shown = limit == .max ? sorted[...] : sorted.prefix(limit).prefix { $0.value.integer != 0 }
        values(shown.map { ($0.key, Cell($0.value.words)) })
        let zeros = sorted[shown.count...].count { $0.value.integer == 0 }
        let others = sorted.count - shown.count - zeros
        if others > 0 { note("  \(others) more; --all shows them") }
        if zeros > 0 { note("  \(zeros) without a hit; --all shows them") }
    }

    private mutating func records(_ records: [(key: String, value: JSONValue)], firstColumn: String?, atMost limit: Int)
    {
        var names: [String] = []
        for name in records.flatMap({ $0.value.object?.members.map(\.key) ?? [] }) where !names.contains(name) {
            names.append(name)
        }
        names.removeAll { name in records.allSatisfy { $0.value[name]?.isNothing ?? true } }
        let numeric = Set(names.filter { name in records.contains { $0.value[name]?.double != nil } })
        var table = Table(
            (firstColumn.map { [Table.Column($0)] } ?? [])
                + names.map { Table.Column($0.spoken, isNumeric: numeric.contains($0)) })
        let shown = busiestFirst(records, numeric).prefix(limit)
        for (key, value) in shown {
            table.add((firstColumn == nil ? [] : [Cell(key)]) + names.map { Cell(said(value[$0] ?? .null)) })
        }
        self.table(table)
        if records.count > shown.count { note("... and \(records.count - shown.count) more; --all shows them") }
    }

    /// Sorted by the figure that says how often a record mattered, where it has one.
    private func busiestFirst(
        _ records: [(key: String, value: JSONValue)], _ numeric: Set<String>
    ) -> [(key: String, value: JSONValue)] {
        guard let figure = ["hits", "matched", "decided", "requests", "count"].first(where: numeric.contains) else {
            return records
        }
        let sorted = records.enumerated().sorted {
            let (left, right) = ($0.element.value[figure].count, $1.element.value[figure].count)
            return left == right ? $0.offset < $1.offset : left > right
        }
        return sorted.map(\.element)
    }

    /// A scalar, with times said as distances.
    private func said(_ value: JSONValue) -> String {
        guard let text = value.string else { return value.words }
        return Timestamp(text) == nil ? text : age(text)
    }
}

extension JSONValue {
    /// Whether a column of it says nothing.
    fileprivate var isNothing: Bool { isEmpty || double == 0 }

    fileprivate var isEmpty: Bool { isNull || array?.isEmpty ?? false || object?.members.isEmpty ?? false }
}

extension String {
    /// `uptime_seconds` as a person would write it.
    var spoken: String { String(map { $0 == "_" ? " " : $0 }) }
}

import JSON

/// How full limits are.
extension Page {
    /// Counters that hold something; the others are at rest.
    mutating func showLimits(_ limits: [JSONValue]) {
        guard !limits.isEmpty else { return }
        gap()
        var table = Table([
            .init("limit"), .init("used", isNumeric: true), .init("of", isNumeric: true), .init("counts"),
            .init("of whom", limit: 80), .init("mode"), .init("next"),
        ])
        for limit in limits {
            let wait = limit["next"].count
            table.add([
                Cell(limit["name"].string ?? "?"), Cell(Wording.count(limit["used"].count)),
                Cell(Wording.count(limit["of"].count)), Cell(limit["counts"].string ?? "?"),
                Cell(Self.whom(limit["key"].members)), Cell(limit["mode"].string ?? "?"),
                Cell(wait > 0 ? "in \(Wording.duration(seconds: wait))" : "conforms", wait > 0 ? .warning : .plain),
            ])
        }
        self.table(table)
    }

    /// `198.51.100.0/24, user 1000`
    private static func whom(_ key: [JSONObject.Member]) -> String {
        key.map { $0.key == "source" ? $0.value.words : "\($0.key.spoken) \($0.value.words)" }.joined(separator: ", ")
    }

    /// The limits whose counters cannot be found by the address, with the options that find them.
    mutating func showNeeds(_ limits: [JSONObject.Member]) {
        var names: [(options: String, limits: [String])] = []
        for limit in limits {
            let options = (limit.value.array ?? []).map {
                "--" + $0.words.map { $0 == "_" ? "-" : String($0) }.joined()
            }
            .joined(separator: " and ")
            if let index = names.firstIndex(where: { $0.options == options }) {
                names[index].limits.append(limit.key)
            } else {
                names.append((options, [limit.key]))
            }
        }
        guard !names.isEmpty else { return }
        gap()
        for (options, limits) in names { note("with \(options): \(limits.joined(separator: ", "))") }
    }

    static func budget(_ budget: JSONValue?) -> String {
        guard let budget else { return "-" }
        return "\(Wording.count(budget["used"].count)) of \(Wording.count(budget["of"].count)) used"
    }
}

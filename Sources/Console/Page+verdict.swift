import JSON

extension Page {
    /// The result of `guard.check`.
    public mutating func showVerdict(_ result: JSONValue) {
        let verdict = result["verdict"].string ?? "?"
        say(Self.meaning(result), Tone(verdict: verdict))
        var pairs: [(String, Cell)] = [("rule", Cell(result["rule"].string ?? "?"))]
        // A dry run has no decision that could be found again: its id is all zeros.
        if let decision = result["decision"].string, decision.contains(where: { $0 != "0" }) {
            pairs.append(("decision", Cell(decision)))
        }
        if let tag = result["from_tag"].string { pairs.append(("From tag", Cell(tag))) }
        if let wait = result["retry_after"]?.integer {
            pairs.append(("retry after", Cell(Wording.duration(seconds: wait))))
        }
        if result["ttl"].count > 0 {
            pairs.append(("valid for", "\(result["ttl"].count) ms, key \(result["key"].string ?? "?")"))
        }
        if let shadow = result["shadow"].present {
            let said =
                "\(shadow["verdict"].string ?? "?") by \(shadow["rule"].string ?? "?"), were it not in shadow mode"
            pairs.append(("shadow", Cell(said, .warning)))
        }
        values(pairs)
    }

    /// The verdict in words: `reject: 403 Forbidden`.
    private static func meaning(_ result: JSONValue) -> String {
        let status = [result["code"]?.integer.map(String.init), result["reason"].string].compactMap { $0 }
            .joined(separator: " ")
        return switch result["verdict"].string {
        case "pass": "pass: the request goes on"
        case "drop": "drop: nothing is sent"
        case "reject": "reject: \(status) is sent"
        case "ok200": "ok200: \(status) is sent, variant \(result["variant"].string ?? "?")"
        case let other: other ?? "?"
        }
    }

    /// The result of `policy.test`: each step that the decision took, the limits that it did not come to, then the verdict.
    public mutating func showExplanation(_ result: JSONValue) {
        let steps = result["steps"].elements
        let taken = steps.filter { $0["taken"] != false }
        showSteps(taken, heading: "step")
        if taken.count < steps.count {
            gap()
            showSteps(steps.filter { $0["taken"] == false }, heading: "decided nothing")
        }
        gap()
        showVerdict(result["verdict"] ?? .null)
    }

    private mutating func showSteps(_ steps: [JSONValue], heading: String) {
        var table = Table([
            .init("", isNumeric: true), .init(heading, limit: 80), .init("outcome", limit: 200),
        ])
        for (index, step) in steps.enumerated() {
            table.add([Cell("\(index + 1)"), Cell(step["step"]?.words ?? "?"), Cell(step["outcome"]?.words ?? "?")])
        }
        self.table(table)
    }
}

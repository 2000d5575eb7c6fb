import JSON

extension Page {
    /// `incident.list`; `offset` is where the list begins.
    public mutating func showIncidents(_ result: JSONValue, offset: Int) {
        var table = Table([
            .init("incident"), .init("since"), .init("last message"), .init("rule", limit: 30),
            .init("sources", isNumeric: true), .init("before", isNumeric: true), .init("messages", isNumeric: true),
            .init("answers", isNumeric: true), .init("after answer", isNumeric: true), .init("status"),
        ])
        for incident in result["incidents"].elements {
            table.add(
                [
                    Cell(incident["incident"].string ?? "?"), Cell(incident["since"].string.map(age) ?? "-"),
                    Cell(incident["last_message"].string.map(age) ?? "-"), Cell(incident["rule"].string ?? "?"),
                ] + Self.incidentFigures.map { Cell(Wording.count(incident[$0].count)) } + [status(incident)])
        }
        showList(table, "No attack so far.", total: result["total"].count, offset: offset)
    }

    private static let incidentFigures = ["sources", "messages_before", "messages", "answers", "messages_after_answer"]

    private func status(_ incident: JSONValue) -> Cell {
        let isActive = incident["status"].string == "active"
        let bans = incident["bans"].count
        return Cell(
            (incident["status"].string ?? "?") + (bans > 0 ? ", \(Wording.count(bans)) banned" : ""),
            isActive ? .bad : .good)
    }

    /// `incident.show`.
    public mutating func showIncident(_ result: JSONValue) {
        say("incident \(result["incident"].string ?? "?")", .strong)
        gap()
        say(account(result), result["status"].string == "active" ? .bad : .good)
        let target = result["target"].filled.map { " for user \"\($0)\"" } ?? ""
        values([
            ("recognised by", Cell((result["rule"].string ?? "?") + target)),
            ("tool", Cell(result["tool"].filled ?? "known by behaviour")),
            ("purpose", Cell(result["purpose"].string ?? "?")),
            ("treatment", Cell("\(result["treatment"].string ?? "?"), step \(result["step"].count)")),
            ("since", Cell(result["since"].string.map(moment) ?? "?")),
            ("last message", Cell(result["last_message"].string.map(moment) ?? "?")),
            ("messages before", Cell(Wording.count(result["messages_before"].count))),
            ("messages since", Cell(Wording.count(result["messages"].count))),
            ("answers", Cell(Wording.count(result["answers"].count))),
            ("messages after them", Cell(Wording.count(result["messages_after_answer"].count))),
            ("bans", Cell(Wording.count(result["bans"].count))),
        ])
        if result["shadow"].isTrue { say("Shadow mode: its requests passed.", .warning) }
        showSources(result["source_list"].elements, of: result["sources"].count)
    }

    private func account(_ result: JSONValue) -> String {
        let sources = Wording.count(result["sources"].count, "source")
        guard let seconds = result["seconds_to_silence"].integer else { return "ACTIVE, from \(sources)." }
        return "Silent \(Wording.duration(seconds: seconds)) after it was recognised, from \(sources)."
    }

    private mutating func showSources(_ sources: [JSONValue], of total: Int) {
        guard !sources.isEmpty else { return }
        gap()
        let figures = ["messages", "answers", "messages_after_answer"]
        var table = Table(
            [.init("source")] + figures.map { .init($0.spoken, isNumeric: true) } + [.init("last message"), .init("")])
        for source in sources {
            table.add(
                [Cell(source["source"].string ?? "?")]
                    + figures.map { Cell(source[$0]?.integer.map { Wording.count($0) } ?? "-") } + [
                        Cell(source["last_message"].string.map(age) ?? "forgotten"),
                        Cell(source["banned"].isTrue ? "banned" : "", .bad),
                    ])
        }
        self.table(table)
        if total > sources.count { note("... and \(Wording.count(total - sources.count)) more") }
    }
}

extension JSONValue? {
    fileprivate var integer: Int? { self?.integer }
}

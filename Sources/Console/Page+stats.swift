import JSON

extension Page {
    /// `stats.get`: what was asked, what was said, what became of the floods.
    public mutating func showStats(_ result: JSONValue, atMost limit: Int) {
        let uptime = Wording.duration(seconds: result["uptime_seconds"].count)
        say("sipguardd \(result["version"].string ?? "?"), up \(uptime)", .strong)
        gap()
        showRequests(result["requests"] ?? .null)
        showFloods(result["floods"] ?? .null)
        showAlarms(result["alarms"].elements)
        showIncidents(result["incidents"] ?? .null)
        let known = ["version", "uptime_seconds", "requests", "floods", "incidents", "alarms"]
        for member in result.members where !known.contains(member.key) {
            if member.value.isScalar {
                values([(member.key.spoken, Cell(member.value.words))])
            } else if ["rules", "signatures"].contains(member.key) {
                counts(member.key, member.value.members, atMost: limit)
            } else {
                outline(member.key, member.value, atMost: limit)
            }
        }
    }

    private mutating func showRequests(_ requests: JSONValue) {
        let total = requests["total"].count
        var table = Table([.init("verdict"), .init("requests", isNumeric: true), .init("share", isNumeric: true)])
        for member in requests.members where !["total", "shadow"].contains(member.key) {
            let count = member.value.integer ?? 0
            table.add([
                Cell(member.key, Tone(verdict: member.key)), Cell(Wording.count(count)),
                Cell(Wording.share(count, of: total)),
            ])
        }
        table.add(["all", Cell(Wording.count(total)), ""])
        self.table(table)
        let shadow = requests["shadow"].count
        if shadow > 0 {
            gap()
            say(
                "\(Wording.count(shadow, "request")) would have been answered otherwise by rules in shadow mode.",
                .warning)
        }
    }

    /// The figure that matters most: how many attacks are over, and how little it took.
    private mutating func showFloods(_ floods: JSONValue) {
        guard floods.object != nil else { return }
        gap()
        let (seen, stopped) = (floods["seen"].count, floods["stopped"].count)
        if seen == 0 { return say("No attack so far.") }
        var text = "\(Wording.count(stopped)) of \(Wording.count(seen, "attack")) stopped"
        if let median = floods["median_answers"]?.double {
            text += ", after \(Wording.number(median)) \(median == 1 ? "answer" : "answers") (median)"
        }
        if floods["banned"].count > 0 { text += "; \(Wording.count(floods["banned"].count)) banned" }
        say(text + ".", stopped == seen ? .good : .warning)
    }

    /// The same as attacks that many sources may share in.
    private mutating func showIncidents(_ incidents: JSONValue) {
        guard incidents["seen"].count > 0 else { return }
        var text = Wording.count(incidents["seen"].count, "incident")
        if incidents["active"].count > 0 { text += ", \(Wording.count(incidents["active"].count)) active" }
        if let before = incidents["median_messages_before"].present?.integer,
            let after = incidents["median_messages_after_answer"].present?.integer
        {
            text +=
                "; \(Wording.count(before, "message")) before recognition and \(Wording.count(after)) after an answer (median)"
        }
        note(text + "; sipguardctl incident lists them.")
    }

    /// `stats.top`.
    public mutating func showTop(_ result: JSONValue) {
        let sources = result["sources"].elements
        if sources.isEmpty { return say("No source has been seen yet.") }
        let figures = ["requests", "answers", "failures"]
        var table = Table(
            [.init("source")] + figures.map { .init($0, isNumeric: true) } + [.init("last seen"), .init("treatment")])
        for source in sources {
            let treatment = source["banned"].isTrue ? "banned" : source["treatment"].present
            table.add(
                [Cell(source["source"].string ?? "?")] + figures.map { Cell(Wording.count(source[$0].count)) } + [
                    Cell(source["last_seen"].string.map(age) ?? "-"),
                    Cell(treatment?["name"].string ?? treatment?.words ?? "-", treatment == nil ? .plain : .bad),
                ])
        }
        self.table(table)
    }
}

extension Tone {
    init(verdict: String) {
        switch verdict {
        case "pass": self = .good
        case "drop", "ok200", "reject": self = .bad
        default: self = .plain
        }
    }
}

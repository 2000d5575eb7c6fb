import JSON

extension Page {
    /// `source.show`: first why the source is treated so, in sentences; then the figures; then what can be done.
    public mutating func showSource(_ result: JSONValue) {
        let source = result["source"].string ?? "?"
        say(source, .strong)
        if let key = result["key"].string, !key.hasPrefix(source + "/") { note("counted together as \(key)") }
        gap()
        let reasons = lines.count
        showProtection(result["protected"].string)
        showBan(result["ban"].present)
        showTreatment(result["treatment"].present)
        showTrust(result["trust"].present)
        showLists(result["allowed_by"].present, result["feeds"].elements)
        if lines.count == reasons { say(result.isKnownSource ? "Nothing is held against it." : "Never seen.") }
        if result["known"].isTrue { showFigures(result) }
        showLimits(result["limits"].elements)
        showNeeds(result["limits_need"].members)
        showLast(result["last"].present)
        for member in result.members where !Self.sourceMembers.contains(member.key) {
            outline(member.key, member.value)
        }
        advise(result, source)
    }

    private mutating func showProtection(_ protection: String?) {
        guard let protection else { return }
        let reason =
            switch protection {
            case "own": "It is one of this machine's own addresses"
            case "trusted_proxy": "It is a trusted proxy of the policy"
            case "allow": "It is on the allow list"
            default: "It is protected (\(protection))"
            }
        say("\(reason): it is never banned.", .good)
    }

    private mutating func showBan(_ ban: JSONValue?) {
        guard let ban else { return }
        let until = ban["until"].string.map { "until \(moment($0))" } ?? "until somebody removes the ban"
        say("BANNED \(until).", .bad)
        values([
            ("ban on", Cell(ban["address"].string ?? "?")),
            ("because of", Cell(ban["rule"].string ?? "?")),
            ("since", Cell(ban["since"].string.map(moment) ?? "?")),
            ("by", Cell(ban["by"].filled ?? "-")),
            ("comment", Cell(ban["comment"].filled ?? "-")),
        ])
    }

    private mutating func showTreatment(_ treatment: JSONValue?) {
        guard let treatment else { return }
        let tool = treatment["tool"].filled.map { " as \($0)" } ?? ""
        say(
            "UNDER TREATMENT \"\(treatment["name"].string ?? "?")\": rule \"\(treatment["rule"].string ?? "?")\""
                + " recognised it\(tool).", .bad)
        let after = treatment["messages_after_answer"].count
        values([
            ("since", Cell(treatment["since"].string.map(moment) ?? "?")),
            ("until", Cell(treatment["until"].string.map(moment) ?? "?")),
            ("answers sent", Cell(Wording.count(treatment["answers"].count))),
            ("messages after them", Cell(Wording.count(after))),
            ("step", Cell(treatment["step"]?.words ?? "?")),
            ("next answer", Cell(treatment["next"]?.words ?? "?")),
            (
                "it has stopped",
                Cell(
                    treatment["stopped"].isTrue ? "yes" : "not yet",
                    treatment["stopped"].isTrue ? .good : .warning)
            ),
        ])
    }

    private mutating func showTrust(_ trust: JSONValue?) {
        guard let trust, trust["trusted"].isTrue else { return }
        let until = trust["until"].string.map { " until \(moment($0))" } ?? ""
        let factor = (trust["factor"]?.integer).map { ", limits times \($0)" } ?? ""
        say("TRUSTED\(until): \(Wording.count(trust["auth_ok"].count, "successful login"))\(factor).", .good)
    }

    private mutating func showLists(_ allowance: JSONValue?, _ feeds: [JSONValue]) {
        if let allowance {
            let name = allowance["name"].string.map { "\($0), " } ?? ""
            let comment = allowance["comment"].filled.map { ": \($0)" } ?? ""
            note(
                "allowed as \(name)\(allowance["address"].string ?? "?") by \(allowance["by"].string ?? "?")\(comment)")
        }
        if !feeds.isEmpty { note("named by \(feeds.map(\.words).joined(separator: ", "))") }
    }

    private mutating func showFigures(_ result: JSONValue) {
        gap()
        let failures = result["failures"].members.map { "\($0.key.spoken) \($0.value.words)" }
        values([
            ("first seen", Cell(result["first_seen"].string.map(moment) ?? "?")),
            ("last seen", Cell(result["last_seen"].string.map(moment) ?? "?")),
            ("requests", Cell(Wording.count(result["requests"].count))),
            ("answers of ours", Cell(Wording.count(result["answers"].count))),
            ("answer budget", Cell(Self.budget(result["answer_budget"].present))),
            ("dropped", Cell(Wording.count(result["dropped"].count))),
            (
                "logins",
                Cell("ok \(Wording.count((result["trust"]?["auth_ok"]).count)), " + failures.joined(separator: ", "))
            ),
            ("address proven", Cell(result["proven"].isTrue ? "yes" : "no; over UDP it may be forged")),
        ])
    }

    private mutating func showLast(_ last: JSONValue?) {
        guard let last else { return }
        gap()
        let verdict = last["verdict"].string ?? "?"
        say(
            "Last decision: \(verdict) by \"\(last["rule"].string ?? "?")\", "
                + "\(last["at"].string.map(age) ?? "?"), id \(last["decision"]?.words ?? "?").", Tone(verdict: verdict))
    }

    /// The commands for the person who wants it otherwise.
    private mutating func advise(_ result: JSONValue, _ source: String) {
        let isBanned = result["ban"].present != nil
        guard isBanned || result["treatment"].present != nil else { return }
        gap()
        note("to start afresh:        sipguardctl forget \(source)")
        if isBanned, let address = result["ban"]?["address"].string {
            note("to lift the ban only:   sipguardctl ban remove \(address)")
        }
        if result["protected"].string == nil { note("to let it through:      sipguardctl allow add \(source)") }
    }

    private static let sourceMembers = [
        "source", "key", "known", "protected", "first_seen", "last_seen", "requests", "answers", "dropped", "trust",
        "failures", "treatment", "ban", "last", "proven", "limits", "feeds", "allowed_by",
        "limits_need", "answer_budget",
    ]
}

extension JSONValue {
    /// Whether there is anything to say about the source of a `source.show`.
    public var isKnownSource: Bool {
        self["known"].isTrue || self["ban"].present != nil || self["protected"].present != nil
    }
}

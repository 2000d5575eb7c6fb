import JSON

extension Page {
    /// `daemon.ping`.
    public mutating func showPong(_ result: JSONValue) {
        say("sipguardd answers, up \(Wording.duration(seconds: result["uptime_seconds"].count)).")
    }

    /// `daemon.version`.
    public mutating func showVersion(_ result: JSONValue) {
        say(
            "\(result["name"].string ?? "?") \(result["version"].string ?? "?"), protocol \(result["protocol"]?.words ?? "?")"
        )
    }

    /// `policy.reload`.
    public mutating func showReloaded(_ result: JSONValue) {
        say(
            "Loaded \(result["path"].string ?? "the built-in policy"): "
                + "\(Wording.count(result["rules"].amount, "rule")), "
                + "\(Wording.count(result["signatures"].amount, "signature")).")
    }

    /// `policy.show`: the policy's own text under comments that say where it is from, so that the page is a policy again.
    public mutating func showPolicy(_ result: JSONValue) {
        note("# \(result["path"].string ?? "built-in policy")")
        note("# loaded \(result["loaded_at"].string.map(moment) ?? "?"), mode \(result["mode"].string ?? "?")")
        document(result["text"].string ?? "")
    }

    /// What `policy check` found of a sound policy.
    public mutating func showSound(_ result: JSONValue, file: String) {
        let rules = Wording.count(result["rules"].count, "rule")
        say("\(file): no mistakes, \(rules), \(Wording.count(result["signatures"].count, "signature")).", .good)
        for warning in result["warnings"].elements { say("warning: \(warning.words)", .warning) }
    }

    /// What `policy test` found.
    public mutating func showExamples(_ result: JSONValue) {
        let failures = result["failures"].elements
        for failure in failures { say(failure.words, .bad) }
        let all = Wording.count(result["examples"].count, "example")
        say(failures.isEmpty ? "\(all), all as they should be." : "\(failures.count) of \(all) went wrong.")
    }

    /// A text over many lines, as it stands but for what could hijack a terminal.
    mutating func document(_ text: String) {
        var safe = text.escapedDocument
        if safe.last == "\n" { safe.removeLast() }
        append(line: safe)
    }
}

extension JSONValue? {
    /// A number, or how many there are.
    fileprivate var amount: Int { self?.array?.count ?? self?.object?.count ?? count }
}

import JSON

extension Page {
    /// What `sipguardctl replay` found.
    public mutating func showReplay(_ result: JSONValue) {
        let span = Wording.duration(seconds: result["seconds"].count)
        say(
            "\(Wording.count(result["requests"].count, "request")) in \(span), from \(result["begins"].string ?? "?")",
            .strong)
        showRecording(result["recording"] ?? .null)
        gap()
        verdicts(result["verdicts"] ?? .null, total: result["requests"].count)
        if result["shadow"].count > 0 {
            say(
                "\(Wording.count(result["shadow"].count, "request")) would have been answered otherwise by rules in shadow mode.",
                .warning)
        }
        showRecorded(result["recorded"] ?? .null)
        let reports = result["reports"].members.filter { $0.value.integer ?? 0 > 0 }
        if !reports.isEmpty {
            heading("reports")
            values(reports.map { ($0.key, Cell(Wording.count($0.value.integer ?? 0))) })
        }
        if !result["rules"].members.isEmpty {
            heading("rules")
            values(result["rules"].members.map { ($0.key, Cell(Wording.count($0.value.integer ?? 0))) })
        }
        showSources(result["sources"].elements, of: result["sources_seen"].count)
        if let comparison = result["comparison"].present { showComparison(comparison) }
    }

    private mutating func showRecording(_ recording: JSONValue) {
        let servers = recording["servers"].elements.map(\.words)
        if !servers.isEmpty { say("to \(servers.joined(separator: ", "))") }
        let flaws = [
            ("cut_frames", "of the frames were cut by the capture"), ("lost_fragments", "packets lack fragments"),
            ("stream_gaps", "times a TCP stream had a hole or was no SIP"), ("bad_lines", "lines are no decisions"),
        ]
        for (name, words) in flaws where recording[name].count > 0 {
            say("\(Wording.count(recording[name].count)) \(words).", .warning)
        }
        let repeated = recording["repeated_packets"].count
        if repeated > 0 { note("\(Wording.count(repeated, "packet")) came twice in the capture and counted once.") }
    }

    private mutating func verdicts(_ verdicts: JSONValue, total: Int) {
        var table = Table([.init("verdict"), .init("requests", isNumeric: true), .init("share", isNumeric: true)])
        for member in verdicts.members {
            let count = member.value.integer ?? 0
            table.add([
                Cell(member.key, Tone(verdict: member.key)), Cell(Wording.count(count)),
                Cell(Wording.share(count, of: total)),
            ])
        }
        self.table(table)
    }

    private mutating func showRecorded(_ recorded: JSONValue) {
        guard recorded.object != nil else { return }
        gap()
        let (same, different) = (recorded["same"].count, recorded["different"].count)
        if different == 0 { return say("All verdicts are those of then.", .good) }
        say(
            "\(Wording.count(different)) of \(Wording.count(same + different, "verdict")) are others than then.",
            .warning)
    }

    private mutating func showSources(_ sources: [JSONValue], of total: Int) {
        guard !sources.isEmpty else { return }
        heading("sources")
        let figures = ["requests", "pass", "reject", "ok200", "drop"]
        var table = Table(
            [.init("source")] + figures.map { .init($0, isNumeric: true) } + [
                .init("first treated", isNumeric: true), .init("rule"),
            ])
        for source in sources {
            table.add(
                [Cell(source["source"].string ?? "?")] + figures.map { Cell(Wording.count(source[$0].count)) } + [
                    Cell(source["first_treated"]?.integer.map(Wording.count) ?? "-"),
                    Cell(source["rule"].string ?? "-"),
                ])
        }
        self.table(table)
        if total > sources.count { note("\(Wording.count(sources.count)) of \(Wording.count(total)); more with --top") }
    }

    private mutating func showComparison(_ comparison: JSONValue) {
        heading("comparison")
        let differing = comparison["requests"].count
        if differing == 0 { return say("Both policies answer every request alike.", .good) }
        say("\(Wording.count(differing, "request")) would be answered differently.", .warning)
        showDifferences("source", comparison["sources"].elements, of: comparison["sources_differing"].count)
        showDifferences("user", comparison["users"].elements, of: comparison["users_differing"].count)
    }

    private mutating func showDifferences(_ name: String, _ differences: [JSONValue], of total: Int) {
        guard !differences.isEmpty else { return }
        gap()
        var table = Table([
            .init(name), .init("requests", isNumeric: true), .init("different", isNumeric: true),
            .init("how", limit: 200),
        ])
        for difference in differences {
            table.add([
                Cell(difference[name].string ?? "?"), Cell(Wording.count(difference["requests"].count)),
                Cell(Wording.count(difference["differing"].count)),
                Cell(difference["changes"].elements.map(Self.change).joined(separator: "; ")),
            ])
        }
        self.table(table)
        if total > differences.count {
            note("\(Wording.count(differences.count)) of \(Wording.count(total)); more with --top")
        }
    }

    /// `pass (default) becomes drop (users-tried), 12`
    private static func change(_ change: JSONValue) -> String {
        func side(_ end: String) -> String { "\(change[end].string ?? "?") (\(change["rule_" + end].string ?? "?"))" }
        return "\(side("from")) becomes \(side("to")), \(Wording.count(change["requests"].count))"
    }
}

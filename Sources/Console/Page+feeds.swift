import JSON

extension Page {
    /// `feed.list`.
    public mutating func showFeeds(_ result: JSONValue) {
        let feeds = result["feeds"].elements
        if feeds.isEmpty { return say("The policy names no feeds.") }
        var table = Table([
            .init("feed"), .init("list"), .init("weight", isNumeric: true), .init("entries", isNumeric: true),
            .init("bad lines", isNumeric: true), .init("age"), .init("next try"),
        ])
        for feed in feeds {
            let age =
                feed["age_seconds"]?.present == nil ? "never had" : Wording.duration(seconds: feed["age_seconds"].count)
            let isBlock = feed["list"].string == "block"
            table.add([
                Cell(feed["name"].string ?? "?", feed["error"]?.present == nil ? .plain : .bad),
                Cell(feed["list"].string ?? "-"), Cell(isBlock ? Wording.count(feed["weight"].count) : "-"),
                Cell(Wording.count(feed["entries"].count)), Cell(Wording.count(feed["bad_lines"].count)), Cell(age),
                Cell(feed["next_try"].string.map(self.age) ?? "-"),
            ])
        }
        self.table(table)
        for feed in feeds { showTrouble(feed) }
    }

    private mutating func showTrouble(_ feed: JSONValue) {
        let name = feed["name"].string ?? "?"
        if let error = feed["error"].filled { say("\(name): \(error)", .bad) }
        let lines = feed["first_bad_lines"].elements
        if !lines.isEmpty { note("\(name): no networks in line \(lines.map(\.words).joined(separator: ", "))") }
    }

    /// `feed.refresh`.
    public mutating func showRefreshing(_ result: JSONValue) {
        say(
            "\(Wording.count(result["feeds"].count, "feed")) will be got now; `sipguardctl feeds` tells what came of it."
        )
    }

    /// What `stats.get` is worried about.
    mutating func showAlarms(_ alarms: [JSONValue]) {
        guard !alarms.isEmpty else { return }
        gap()
        for alarm in alarms {
            let subject = alarm["subject"].filled.map { " (\($0))" } ?? ""
            let since = alarm["since"].string.map { ", \(age($0))" } ?? ""
            say("ALARM \(alarm["alarm"].string ?? "?")\(subject): \(alarm["problem"].string ?? "?")\(since)", .bad)
        }
    }

    /// The names of the allow list, with the addresses that they have.
    mutating func showNames(_ names: [JSONValue]) {
        guard !names.isEmpty else { return }
        gap()
        var table = Table([
            .init("name"), .init("addresses", limit: 40), .init("looked up"), .init("until"), .init("by", limit: 20),
            .init("comment"),
        ])
        for name in names {
            let problem = name["error"].filled
            table.add([
                Cell(name["name"].string ?? "?", problem == nil ? .plain : .bad),
                Cell(name["addresses"]?.words ?? ""), Cell(problem ?? name["resolved_at"].string.map(age) ?? "not yet"),
                Cell(name["until"].string.map(age) ?? "removed by hand"), Cell(name["by"].filled ?? "-"),
                Cell(name["comment"].string ?? ""),
            ])
        }
        self.table(table)
    }
}

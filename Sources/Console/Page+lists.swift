import JSON

extension Page {
    /// `ban.list`; `offset` is where the list begins.
    public mutating func showBans(_ result: JSONValue, offset: Int) {
        let bans = result["bans"].elements
        var table = Table([
            .init("address"), .init("since"), .init("until"), .init("rule"), .init("by", limit: 20), .init("comment"),
        ])
        for ban in bans { table.add(entry(ban, withRule: true)) }
        showList(table, "No bans.", total: result["total"].count, offset: offset)
    }

    /// `allow.list`.
    public mutating func showAllowed(_ result: JSONValue, offset: Int) {
        let allowed = result["allowed"].elements
        var table = Table([
            .init("address"), .init("since"), .init("until"), .init("by", limit: 20), .init("comment"),
        ])
        for entry in allowed { table.add(self.entry(entry, withRule: false)) }
        let names = result["names"].elements
        if !names.isEmpty, allowed.isEmpty { return showNames(names) }
        showList(table, "The allow list is empty.", total: result["total"].count, offset: offset)
        showNames(names)
    }

    private func entry(_ entry: JSONValue, withRule: Bool) -> [Cell] {
        let rule = withRule ? [Cell(entry["rule"].string ?? "-")] : []
        return [Cell(entry["address"].string ?? "?"), Cell(entry["since"].string.map(age) ?? "-")]
            + [Cell(entry["until"].string.map(age) ?? "removed by hand")] + rule
            + [Cell(entry["by"].filled ?? "-"), Cell(entry["comment"].string ?? "")]
    }

    mutating func showList(_ table: Table, _ nothing: String, total: Int, offset: Int) {
        if total == 0 { return say(nothing) }
        if table.rows.isEmpty {
            return say("No more than \(Wording.count(total)); --offset \(offset) is behind the last.")
        }
        self.table(table)
        let next = offset + table.rows.count
        if offset > 0 || next < total {
            let rest = next < total ? "; more with --offset \(next), or --limit" : ""
            note("\(offset + 1) to \(next) of \(Wording.count(total))\(rest)")
        }
    }

    /// What `ban.add` did.
    public mutating func showBanned(_ result: JSONValue) {
        say("\(result["address"].string ?? "?") is banned \(end(result)).")
    }

    /// What `allow.add` did.
    public mutating func showNowAllowed(_ result: JSONValue) {
        say("\(result["name"].string ?? result["address"].string ?? "?") is allowed \(end(result)).")
    }

    private func end(_ entry: JSONValue) -> String {
        entry["until"].string.map { "until \(moment($0))" } ?? "until it is removed"
    }

    /// What `ban.remove` did.
    public mutating func showBanRemoved(_ result: JSONValue, address: String) {
        if result["removed"].isTrue {
            say("The ban on \(address) is lifted.")
            guard let rule = result["held_by"].filled else { return }
            return note("\"\(rule)\" still holds for all that it sends; to end that too: sipguardctl forget \(address)")
        }
        say("There is no ban on \(address).")
        note("It has to be named as in `sipguardctl ban list`; `sipguardctl show` says which ban covers an address.")
    }

    /// What `allow.remove` did.
    public mutating func showAllowRemoved(_ result: JSONValue, address: String) {
        if result["removed"].isTrue { return say("\(address) is no longer on the allow list.") }
        say("\(address) is not on the allow list, or is there by the policy file.")
        note("Entries of the policy file are removed there, and then: sipguardctl reload")
    }

    /// `source.forget`.
    public mutating func showForgotten(_ result: JSONValue, source: String) {
        switch (result["forgotten"].isTrue, result["ban_removed"].isTrue) {
        case (true, true): say("\(source) is forgotten, and its ban is lifted.")
        case (true, false): say("\(source) is forgotten; it had no ban.")
        case (false, true): say("The ban on \(source) is lifted; nothing else was known of it.")
        case (false, false): say("Nothing is known of \(source).")
        }
    }
}

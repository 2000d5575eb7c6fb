import JSON
import Policy

extension GuardState {
    /// Saves bans and the run-time allow list if they have changed and a state file is configured.
    func saveState() {
        if let event = stateFile?.saveIfChanged(savedState) { events.add(event) }
    }

    private func savedState() -> JSONValue {
        let (entries, now) = (lists.current, Clock.now)
        let automatic = sources.compactMap { record -> JSONValue? in
            guard record.isBanned(now) else { return nil }
            return [
                "address": .string(record.address.description),
                "since": .int(Clock.wallSeconds(of: record.bannedSince)),
                "until": .int(Clock.wallSeconds(of: record.bannedUntil)), "count": .int(Int64(record.banCount)),
                "proven": .bool(record.isProven), "rule": .int(Int64(record.flood.rule.rawValue)),
            ]
        }
        return [
            "version": 1, "allow_names": .array(names.current.added.values.map(Self.saved)),
            "allow": .array(entries.allowed.entries.map(Self.saved)),
            "ban": .array(entries.banned.entries.map(Self.saved)), "banned_sources": .array(automatic),
        ]
    }

    private static func saved(_ entry: AddressEntry) -> JSONValue {
        [
            "address": .string(entry.prefix.description), "since": .int(Clock.wallSeconds(of: entry.since)),
            "until": entry.until.map { .int(Clock.wallSeconds(of: $0)) } ?? .null, "comment": .string(entry.comment),
            "by": .string(entry.by),
        ]
    }

    private static func saved(_ entry: AllowedNames.Entry) -> JSONValue {
        [
            "name": .string(entry.name.name), "since": .int(Clock.wallSeconds(of: entry.since)),
            "until": entry.name.until.map { .int($0) } ?? .null, "comment": .string(entry.name.comment),
            "by": .string(entry.by),
        ]
    }

    private func restoreNames(_ saved: JSONValue) {
        for value in saved["allow_names"]?.array ?? [] {
            guard let text = value["name"]?.string, AllowedName.isName(text) else { continue }
            let name = AllowedName(name: text, comment: value["comment"]?.string ?? "", until: value["until"]?.int64)
            let since = value["since"]?.int64.map(Clock.instant) ?? Clock.now
            let entry = AllowedNames.Entry(name: name, since: since, by: value["by"]?.string ?? "")
            names.update { $0.added[text.lowercased()] = entry }
        }
    }

    /// Brings back what was saved; how many bans and allowed entries that were.
    public func restore() throws(StateFileProblem) -> (bans: Int, allowed: Int) {
        guard let stateFile, let saved = try stateFile.load() else { return (0, 0) }
        guard saved["version"]?.int64 == 1 else {
            throw StateFileProblem(description: "\(stateFile.path): not a state file of this version")
        }
        let now = Clock.now
        func list(_ name: String) -> AddressList {
            AddressList((saved[name]?.array ?? []).compactMap(Self.entry).filter { $0.holds(at: now) })
        }
        let entries = AddressLists.Entries(allowed: list("allow"), banned: list("ban"))
        lists.replace(entries)
        restoreNames(saved)
        let automatic = (saved["banned_sources"]?.array ?? []).filter { restoreBan($0, now) }.count
        publishLists()
        return (entries.banned.count + automatic, entries.allowed.count)
    }

    private static func entry(_ saved: JSONValue) -> AddressEntry? {
        guard let prefix = saved["address"]?.string.flatMap({ Prefix($0) }), let since = saved["since"]?.int64 else {
            return nil
        }
        return AddressEntry(
            prefix: prefix, since: Clock.instant(ofWallSeconds: since),
            until: saved["until"]?.int64.map(Clock.instant), comment: saved["comment"]?.string ?? "",
            by: saved["by"]?.string ?? "")
    }

    private func restoreBan(_ saved: JSONValue, _ now: Instant) -> Bool {
        guard let address = saved["address"]?.string.flatMap({ IPAddress($0) }),
            let until = saved["until"]?.int64.map(Clock.instant), until > now
        else { return false }
        let since = saved["since"]?.int64.map(Clock.instant) ?? now
        sources.withRecord(of: address, trust: publisher.current.engine.ruleset.trust, now: now) { record in
            (record.bannedSince, record.bannedUntil) = (since, until)
            record.banCount = UInt8(clamping: saved["count"]?.int64 ?? 1)
            record.isProven = saved["proven"]?.bool ?? false
            record.flood.rule = NameID(rawValue: UInt32(clamping: saved["rule"]?.int64 ?? 0))
        }
        return true
    }
}

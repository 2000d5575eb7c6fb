import Policy

extension GuardState {
    /// Saves bans and the run-time allow list if they have changed and a state file is configured.
    func saveState() {
        if let event = stateFile?.saveIfChanged(savedState) { events.add(event) }
    }

    private func savedState() -> SavedState {
        let (entries, now) = (lists.current, Clock.now)
        let sources = sources.compactMap { record -> SavedState.Source? in
            guard record.isBanned(now) else { return nil }
            return SavedState.Source(
                address: record.address, since: record.bannedSince, until: record.bannedUntil, count: record.banCount,
                isProven: record.isProven, rule: record.flood.rule)
        }
        return SavedState(
            names: Array(names.current.added.values), allowed: entries.allowed.entries, banned: entries.banned.entries,
            sources: sources)
    }

    /// Brings back what was saved; how many bans and allowed entries that were.
    public func restore() throws(StateFileProblem) -> (bans: Int, allowed: Int) {
        guard var saved = try stateFile?.load() else { return (0, 0) }
        let now = Clock.now
        saved.allowed.removeAll { !$0.holds(at: now) }
        saved.banned.removeAll { !$0.holds(at: now) }
        let entries = AddressLists.Entries(allowed: AddressList(saved.allowed), banned: AddressList(saved.banned))
        lists.replace(entries)
        names.update { known in
            for entry in saved.names { known.added[entry.name.name.lowercased()] = entry }
        }
        let bans = restore(saved.sources, now)
        publishRestoredLists()
        if saved.isOldForm { stateFile?.markChanged() }
        return (entries.banned.count + bans, entries.allowed.count)
    }

    /// How many found a place.
    private func restore(_ saved: [SavedState.Source], _ now: Instant) -> Int {
        let trust = publisher.current.engine.ruleset.trust
        let overflows = sources.usage.overflows
        var count = 0
        for source in saved where source.until > now {
            sources.withRecord(of: source.address, trust: trust, now: now) { record in
                (record.bannedSince, record.bannedUntil) = (source.since, source.until)
                (record.banCount, record.isProven, record.flood.rule) = (source.count, source.isProven, source.rule)
            }
            count += 1
        }
        return count - Int(sources.usage.overflows - overflows)
    }
}

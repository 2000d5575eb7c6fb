import Policy

/// Bans for those who enforce them elsewhere.
extension GuardState {
    /// As good as without an end for whoever needs one.
    private static let endless = Duration.seconds(315_360_000)

    /// Until when all that the source sends is met with silence because of a ban, whoever is behind it; nil: it is not. Never
    /// for a source that is protected or from which somebody has logged in, nor for one that shares its ban with others.
    public func silentBan(of source: IPAddress, now: Instant = Clock.now) -> Instant? {
        let snapshot = publisher.current
        let ruleset = snapshot.engine.ruleset
        guard ruleset.mode == .enforce, ruleset.ban.answer == .drop,
            !snapshot.addresses.standing(of: source, now: now).isProtected
        else { return nil }
        let key = ruleset.sources.key(of: source)
        let record = sources.record(of: key)
        if let record, record.authOK > 0 || record.isTrusted(ruleset.trust, now: now) { return nil }
        var until: Instant?
        if let entry = snapshot.addresses.ban(on: source, now: now) {
            until = entry.until ?? entry.since + Self.endless
        }
        if let record, record.isBanned(now), ruleset.sources.prefix(of: source).isSingleAddress {
            until = max(until ?? now, record.bannedUntil)
        }
        return until
    }

    /// Single addresses that are banned, at most so many.
    public func bannedSources(most: Int, now: Instant = Clock.now) -> [IPAddress] {
        let manual = lists.current.banned.entries.filter { $0.prefix.isSingleAddress && $0.holds(at: now) }
        let automatic = sources.compactMap { $0.isBanned(now) ? $0.address : nil }
        return Array((manual.map(\.prefix.first) + automatic).prefix(most))
    }
}

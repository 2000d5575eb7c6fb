import Policy

/// Bans for those who enforce them elsewhere.
extension GuardState {
    /// As good as without an end for whoever needs one.
    private static let endless = Duration.seconds(315_360_000)

    /// Until when all that the source sends is met with silence because of a ban, whoever is behind it; nil: it is not. A
    /// source is a single address, or the network that counts as one source. Never for one that is protected or has somebody
    /// protected in it, or from which somebody has logged in, nor for a part of a network that counts as one.
    public func silentBan(of source: Prefix, now: Instant = Clock.now) -> Instant? {
        let snapshot = publisher.current
        let ruleset = snapshot.engine.ruleset
        let isOneSource = ruleset.sources.prefix(of: source.first) == source
        guard ruleset.mode == .enforce, ruleset.ban.answer == .drop, isOneSource || source.isSingleAddress else {
            return nil
        }
        let isProtected =
            source.isSingleAddress
            ? snapshot.addresses.standing(of: source.first, now: now).isProtected
            : snapshot.addresses.protection(within: source, now: now) != nil
        if isProtected { return nil }
        let record = sources.record(of: ruleset.sources.key(of: source.first))
        if let record, record.authOK > 0 || record.isTrusted(ruleset.trust, now: now) { return nil }
        var until: Instant?
        if let entry = snapshot.addresses.ban(on: source.first, now: now), entry.prefix.bits <= source.bits {
            until = entry.until ?? entry.since + Self.endless
        }
        if let record, record.isBanned(now), isOneSource { until = max(until ?? now, record.bannedUntil) }
        return until
    }

    /// Another number after each change of the policy or of the lists, each of which may begin or end a ``silentBan(of:now:)``.
    public var generation: UInt64 { publisher.generation }

    /// What is banned by hand, and sources that are banned; those that are asked for.
    public func bannedSources(now: Instant = Clock.now, where isAskedFor: (Prefix) -> Bool) -> [Prefix] {
        let grouping = publisher.current.engine.ruleset.sources
        let manual = lists.current.banned.entries.filter { $0.holds(at: now) }.map(\.prefix)
        let automatic = sources.compactMap { $0.isBanned(now) ? grouping.prefix(of: $0.address) : nil }
        return (manual + automatic).filter(isAskedFor)
    }
}

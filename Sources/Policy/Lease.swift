/// For what, and for how long, a proxy may give the same verdict again without asking.
///
/// Only silence is leased: an answer costs budget and moves its treatment on. And only for a key that no customer shares.
public struct Lease: Hashable, Sendable {
    /// What the verdict holds for.
    public enum Key: String, CaseIterable, Sendable {
        /// All that this source address sends.
        case source
        /// All that this source address sends with this User-Agent, whose text alone betrays the tool.
        case sourceAndUserAgent = "source_user_agent"
    }

    public let key: Key
    public let duration: Duration

    public init(key: Key, duration: Duration) { (self.key, self.duration) = (key, duration) }
}

extension Engine {
    /// What the proxy may be told besides a decision that has just been made about the source of `record`; nil: ask each time.
    public func lease(
        for decision: Decision, _ facts: RequestFacts, _ record: SourceRecord, _ standing: Standing,
        _ ban: AddressEntry?, now: Instant
    ) -> Lease? {
        guard decision.answer == .drop, ruleset.lease > .zero else { return nil }
        if let left = silenceForAll(facts, record, standing, ban, now) { return lease(.source, left) }
        guard decision.isTreated, ruleset.agentSignatures.contains(decision.ruleID), facts[.userAgent].isKnown,
            isSilent(record.flood)
        else { return nil }
        return lease(.sourceAndUserAgent, ruleset.lease)
    }

    /// A flood that goes on under a lease must not look as if it had been quiet, and reports of it may be late.
    private func lease(_ key: Lease.Key, _ left: Duration) -> Lease? {
        let duration = min(ruleset.lease, left, ruleset.quiet / 4)
        return duration >= .milliseconds(1) ? Lease(key: key, duration: duration) : nil
    }

    /// How long at least all that the source sends is met with silence, whoever is behind it; nil: not at all.
    private func silenceForAll(
        _ facts: RequestFacts, _ record: SourceRecord, _ standing: Standing, _ ban: AddressEntry?, _ now: Instant
    ) -> Duration? {
        // Behind an address from which somebody once logged in there are customers.
        guard !standing.isProtected, record.authOK == 0, !record.isTrusted(ruleset.trust, now: now) else { return nil }
        if ban != nil || record.isBanned(now) {
            guard ruleset.ban.answer == .drop else { return nil }
            return max(ban.map { $0.until.map { $0 - now } ?? .seconds(3600) } ?? .zero, record.bannedUntil - now)
        }
        guard isSilent(record.flood), let hold = sourceHold(facts, record, now),
            // A phone may be asked to come again.
            ruleset.probation == nil || !hold.isOfFailures
        else { return nil }
        let own = treatment(for: hold.cause, method: facts[.method], answered: true)
        return min(own.hold, ruleset.treatment(record.flood.treatment)?.hold ?? .zero)
    }

    /// Whether a treatment has come to its last resort, and that is silence.
    private func isSilent(_ flood: Flood) -> Bool {
        guard let treatment = ruleset.treatment(flood.treatment) else { return false }
        return Int(flood.rung) >= treatment.ladder.count - 1
            && treatment.ladder[treatment.ladder.count - 1].answer == .drop
    }

    /// Takes what a proxy has met with silence under a lease: it counts as the decision did that was leased, and changes
    /// nothing but that a source that goes on is banned.
    public func dropped(
        _ facts: RequestFacts, record: inout SourceRecord, standing: Standing, ban: AddressEntry?, now: Instant
    ) -> Decision {
        record.requests.add(facts.count)
        record.dropped.add(facts.count)
        record.lastSeen = now
        let isProtected = standing.isProtected || record.isTrusted(ruleset.trust, now: now)
        if ban != nil || record.isBanned(now) && !isProtected { return Decision(.drop, rule: RuleName.ban) }
        // It has been forgotten since.
        guard record.flood.isPresent, let name = ruleset.name(of: record.flood.rule) else {
            return Decision(.drop, rule: RuleName.default)
        }
        var decision = Decision(.drop, rule: name)
        decision.isTreated = true
        record.flood.lastMessage = now
        record.flood.messages.add(facts.count)
        record.flood.timesOnRung.add(facts.count)
        if record.flood.answers > 0 { record.flood.messagesAfterAnswer.add(facts.count) }
        if !isProtected, purpose(of: record.flood.rule) != .flood { banIfDue(&record, now, &decision) }
        return decision
    }

    private func purpose(of rule: NameID) -> Purpose? {
        ruleset.limits.first { $0.id == rule }?.purpose ?? ruleset.signatures.first { $0.id == rule }?.purpose
    }

    private func banIfDue(_ record: inout SourceRecord, _ now: Instant, _ decision: inout Decision) {
        guard ruleset.mode == .enforce, record.flood.isDue(after: ruleset.ban.afterMessages) else { return }
        ban(&record, now)
        decision.events.insert(.banned)
    }
}

extension Ruleset {
    /// The signatures that a User-Agent alone carries, and that decide alone.
    static func agentSignatures(_ signatures: [Signature], threshold: Int) -> Set<NameID> {
        let sure = signatures.filter { signature in
            signature.mode == .enforce && signature.weight >= threshold && !signature.conditions.isEmpty
                && signature.conditions.allSatisfy { $0.fields == [.userAgent] }
        }
        return Set(sure.map(\.id))
    }
}

import Synchronization

/// A treatment that behaviour began and that goes on: for all that a source sends, for one of its users, or for one user
/// wherever he comes from.
struct Hold {
    let cause: Cause
    /// Whether failed logins began it.
    let isOfFailures: Bool
    /// The source, 0 for all; and the user, unknown for all.
    let address: UInt128
    let user: Bytes

    /// Whether it is for a user and not for a source.
    var isEverywhere: Bool { address == 0 }

    /// A counter for all whom this holds.
    func key(_ rule: NameID) -> CounterKey {
        var key = CounterKey(rule: rule)
        (key.address, key.first) = (address, user)
        return key
    }

    /// A counter for a user at a source.
    func key(_ rule: NameID, _ facts: RequestFacts, of record: SourceRecord) -> CounterKey {
        var key = CounterKey(rule: rule)
        (key.address, key.first) = (record.address.value, facts.user)
        return key
    }
}

extension Engine {
    /// The treatment that goes on for this request, except for those who have earned trust.
    func hold(
        on facts: RequestFacts, _ record: SourceRecord, _ standing: Standing, _ credit: Credit, _ now: Instant
    ) -> Hold? {
        guard !standing.isProtected else { return nil }
        guard
            let hold = sourceHold(facts, record, now)
                ?? (holds.isAny(at: now) ? userHold(facts, record, credit, now) : nil)
        else { return nil }
        return credit.isTrusted && isOfTrustedUser(facts, at: record.address, now) ? nil : hold
    }

    /// What goes on for all that the source sends.
    func sourceHold(_ facts: RequestFacts, _ record: SourceRecord, _ now: Instant) -> Hold? {
        guard record.flood.isPresent, record.flood.behaviour != .none,
            let limit = heldBehaviour(record.flood, facts[.method], now)
        else { return nil }
        return Hold(
            cause: Cause(limit), isOfFailures: !limit.event.isOfRequests, address: record.address.value, user: .unknown)
    }

    /// What goes on for the user. Where many sources guess one user's password, his own phone may come from a new address: only
    /// what can be sent again at once is asked to be.
    private func userHold(
        _ facts: RequestFacts, _ record: SourceRecord, _ credit: Credit, _ now: Instant
    ) -> Hold? {
        guard facts.user.isKnown else { return nil }
        for index in ruleset.userLimits {
            let rule = ruleset.limits[index]
            let isEverywhere = !rule.scope.has(.source)
            if isEverywhere, ruleset.probation == nil || facts.transport?.provesSource ?? false { continue }
            if isEverywhere, !facts[.method].equals(lowercase: "register") { continue }
            guard store.remembers(holdKey(rule, facts), now: now) else { continue }
            var cause = Cause(rule)
            cause.isNarrow = true
            return Hold(
                cause: cause, isOfFailures: true, address: isEverywhere ? 0 : record.address.value, user: facts.user)
        }
        return nil
    }

    /// A treatment goes on until nothing of what it is for has come for its time.
    func prolong(_ hold: Hold, _ facts: RequestFacts, _ now: Instant) {
        guard let rule = ruleset.limits.first(where: { $0.id == hold.cause.ruleID }) else { return }
        holdUser(rule, facts, now)
    }

    /// Begins or prolongs what is held against a user.
    func holdUser(_ rule: LimitRule, _ facts: RequestFacts, _ now: Instant) {
        guard facts.user.isKnown else { return }
        let hold = treatment(for: Cause(rule), method: facts[.method], answered: true).hold
        _ = store.remember(holdKey(rule, facts), for: hold, now: now)
        holds.extend(to: now + hold)
    }

    private func holdKey(_ rule: LimitRule, _ facts: RequestFacts) -> CounterKey {
        var key = rule.scope.key(rule.id, facts, grouping: ruleset.sources)
        key.subject = .present
        return key
    }
}

/// Whether a store remembers any user as held, so that most requests need not look.
public final class HoldMark: Sendable {
    private let until = Atomic<Int64>(0)

    public init() {}

    func isAny(at now: Instant) -> Bool { until.load(ordering: .relaxed) > now.microseconds }

    func extend(to instant: Instant) { until.max(instant.microseconds, ordering: .relaxed) }
}

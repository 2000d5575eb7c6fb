/// Decides about requests: facts and what is known of their source in, a decision out.
///
/// Pure but for the counters of its store and what it is given to remember: it reads no clock, waits for nothing, throws
/// nothing and logs nothing. The caller holds the source's record exclusively while it decides.
public struct Engine: Sendable {
    public let ruleset: Ruleset
    let store: any CounterStore
    let holds: HoldMark

    public init(ruleset: Ruleset, store: any CounterStore) {
        (self.ruleset, self.store, holds) = (ruleset, store, store.holds)
    }

    /// One request. `ban` is what somebody set on the source's address or network, if anything.
    public func check(
        _ facts: RequestFacts, record: inout SourceRecord, standing: Standing, ban: AddressEntry?, now: Instant,
        trace: inout Trace?
    ) -> Decision {
        var decision = Decision()
        check(
            facts, of: store.source(record.address), record: &record, standing: standing, ban: ban, now: now,
            trace: &trace, into: &decision)
        return decision
    }

    /// Asks for the memory of the counters that a request of this source surely needs, and does not wait for it.
    public func expect(_ source: HashedSource) {
        for limit in ruleset.sourceLimits { store.expect(limit, of: source) }
    }

    /// The same, written where it is to be: a decision is large and counts references where it is copied. `decision` is a new one.
    public func check(
        _ facts: RequestFacts, of source: HashedSource, record: inout SourceRecord, standing: Standing,
        ban: AddressEntry?, now: Instant, knowing harmless: HarmlessValues? = nil, trace: inout Trace?,
        into decision: inout Decision
    ) {
        if now.microseconds &- record.lastSeen.microseconds > Self.rest { record.requestsAtRest = record.requests }
        record.requests.add(facts.count)
        record.lastSeen = now
        decide(facts, source, &record, standing, ban, now, harmless, &trace, &decision)
        if ruleset.mode != .enforce, decision.answer != .pass {
            trace?.add("mode", "\(ruleset.mode.rawValue): would have been \(decision.answer.verdict.name)")
            decision.becomeWatched()
        }
        count(decision, &record, facts.count)
    }

    /// Ten minutes, in microseconds.
    private static let rest: Int64 = 600_000_000

    private func decide(
        _ facts: RequestFacts, _ source: HashedSource, _ record: inout SourceRecord, _ standing: Standing,
        _ ban: AddressEntry?, _ now: Instant, _ harmless: HarmlessValues?, _ trace: inout Trace?,
        _ decision: inout Decision
    ) {
        guard ruleset.mode != .off else { return }
        let credit = ruleset.trust.credit(for: record.lastAuthOK, now: now)
        trace?.add(
            "standing",
            credit.isTrusted ? "\(standing.rawValue), trusted, limits times \(credit.factor)" : standing.rawValue)
        if standing == .allow { return decision.decide(.pass, rule: RuleName.allow, id: .allow) }
        if let ban {
            trace?.add("ban", "\(ban.prefix) is banned by \(ban.by)")
            return decision.decide(ruleset.ban.answer, rule: RuleName.ban, id: .ban)
        }
        let isProtected = standing.isProtected || credit.isTrusted
        if record.isBanned(now), !isProtected {
            trace?.add("ban", "the source is banned, \((record.bannedUntil - now).secondsRoundedUp) s to go")
            return decision.decide(ruleset.ban.answer, rule: RuleName.ban, id: .ban)
        }
        let feeds = isProtected ? 0 : facts.feeds
        let marks = score(facts, feeds: feeds, standing, credit, now, harmless, &trace, &decision)
        if let ground = ground(facts, source, &record, standing, credit, now, marks, &trace, &decision) {
            treat(ground.cause, facts, &record, isProtected, now, &trace, &decision, ground.manner)
            decision.retryAfter = ground.retry
            if decision.answer != .pass { decision.shadow = nil }
        }
    }

    /// Why a request is to be treated, how, and when to come again, if that can be told.
    private struct Ground {
        let cause: Cause
        var manner = Manner.ladder
        var retry: Duration?
    }

    /// nil: it passes.
    private func ground(
        _ facts: RequestFacts, _ source: HashedSource, _ record: inout SourceRecord, _ standing: Standing,
        _ credit: Credit, _ now: Instant, _ marks: Marks, _ trace: inout Trace?, _ decision: inout Decision
    ) -> Ground? {
        if let signature = marks.decisive { return Ground(cause: Cause(ruleset.mark(signature))) }
        if let hold = hold(on: facts, record, standing, credit, now),
            let manner = manner(of: hold, facts, &record, now, &trace)
        {
            return Ground(cause: hold.cause, manner: manner)
        }
        guard let (limit, retry) = exceeded(facts, standing, credit, source, now, marks, &trace, &decision)
        else { return nil }
        return Ground(cause: cause(of: limit, credit), retry: retry)
    }

    /// Keeps the source's own counts.
    private func count(_ decision: Decision, _ record: inout SourceRecord, _ count: Int) {
        if decision.answer.isSent { record.answers.add(count) }
        if decision.answer == .drop { record.dropped.add(count) }
        record.last.rule = decision.ruleID
        record.last.verdict = decision.answer.verdict
    }

    /// What limit a request exceeded; where others have logged in from the same source, none of them is held for one user.
    func cause(of limit: LimitRule, _ credit: Credit) -> Cause {
        var cause = Cause(limit)
        cause.isNarrow = credit.isTrusted && limit.scope.has(.user)
        return cause
    }

    /// How a request is met while a treatment holds; nil: it is let in.
    private func manner(
        of hold: Hold, _ facts: RequestFacts, _ record: inout SourceRecord, _ now: Instant, _ trace: inout Trace?
    ) -> Manner? {
        let place = hold.isEverywhere ? "user wherever he is" : hold.user.isKnown ? "user" : "source"
        trace?.add("treatment", "\(hold.cause.rule) still holds for the \(place)")
        let admission = admission(to: hold, facts, &record, now)
        if admission != .outsider { trace?.add("probation", admission.rawValue) }
        if admission == .admitted { return nil }
        if hold.user.isKnown { prolong(hold, facts, now) }
        switch admission {
        case .repeated: return .silence(excused: isRetransmission(hold, facts, record, now))
        // After a pause, or from a new address, it may be somebody else: no answer that is meant for a tool.
        case .stranger where hold.isEverywhere || !hasTreatment(record, now): return .silence(excused: false)
        default: return .ladder
        }
    }
}

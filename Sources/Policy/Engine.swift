/// Decides about requests: facts and what is known of their source in, a decision out.
///
/// Pure but for the counters of its store: it reads no clock, waits for nothing, throws nothing and logs nothing. The caller
/// holds the source's record exclusively while it decides.
public struct Engine: Sendable {
    public let ruleset: Ruleset
    let store: any CounterStore

    public init(ruleset: Ruleset, store: any CounterStore) {
        (self.ruleset, self.store) = (ruleset, store)
    }

    /// One request. `ban` is what somebody set on the source's address or network, if anything.
    public func check(
        _ facts: RequestFacts, record: inout SourceRecord, standing: Standing, ban: AddressEntry?, now: Instant,
        trace: inout Trace?
    ) -> Decision {
        if now - record.lastSeen > .seconds(600) { record.requestsAtRest = record.requests }
        record.requests.add(facts.count)
        record.lastSeen = now
        // Not a variable: returning one that has been changed copies it, and that counts references.
        let decision = decide(facts, &record, standing, ban, now, &trace)
        guard ruleset.mode == .enforce || decision.answer == .pass else {
            trace?.add("mode", "\(ruleset.mode.rawValue): would have been \(decision.answer.verdict.name)")
            let watched = decision.watched
            count(watched, &record, facts.count)
            return watched
        }
        count(decision, &record, facts.count)
        return decision
    }

    private func decide(
        _ facts: RequestFacts, _ record: inout SourceRecord, _ standing: Standing, _ ban: AddressEntry?,
        _ now: Instant, _ trace: inout Trace?
    ) -> Decision {
        guard ruleset.mode != .off else { return Decision() }
        let credit = ruleset.trust.credit(for: record.lastAuthOK, now: now)
        trace?.add(
            "standing",
            credit.isTrusted ? "\(standing.rawValue), trusted, limits times \(credit.factor)" : standing.rawValue)
        if standing == .allow { return Decision(.pass, rule: RuleName.allow, id: .allow) }
        if let ban {
            trace?.add("ban", "\(ban.prefix) is banned by \(ban.by)")
            return Decision(ruleset.ban.answer, rule: RuleName.ban, id: .ban)
        }
        let isProtected = standing.isProtected || credit.isTrusted
        if record.isBanned(now), !isProtected {
            trace?.add("ban", "the source is banned, \((record.bannedUntil - now).secondsRoundedUp) s to go")
            return Decision(ruleset.ban.answer, rule: RuleName.ban, id: .ban)
        }
        var marks = score(facts, feeds: isProtected ? 0 : facts.feeds, standing, credit, now, &trace)
        guard let (cause, retry) = cause(facts, record, standing, credit, now, &marks, &trace) else {
            return Decision(passing: marks)
        }
        var decision = treat(cause, facts, &record, isProtected, now, &trace)
        decision.retryAfter = retry
        decision.hits = marks.hits
        if decision.answer == .pass { decision.shadow = marks.shadow }
        return decision
    }

    /// Why the request is to be treated, and when to come again, if that can be told; nil: it passes.
    private func cause(
        _ facts: RequestFacts, _ record: SourceRecord, _ standing: Standing, _ credit: Credit, _ now: Instant,
        _ marks: inout Marks, _ trace: inout Trace?
    ) -> (Cause, retry: Duration?)? {
        if let signature = marks.decisive { return (Cause(ruleset.mark(signature)), nil) }
        if let held = heldTreatment(facts, record, standing, credit, now) {
            trace?.add("treatment", "\(held.rule) still holds")
            return (held, nil)
        }
        guard let (limit, retry) = exceeded(facts, standing, credit, record.address, now, &marks, &trace) else {
            return nil
        }
        return (Cause(limit), retry)
    }

    /// Keeps the source's own counts.
    private func count(_ decision: Decision, _ record: inout SourceRecord, _ count: Int) {
        if decision.answer.isSent { record.answers.add(count) }
        if decision.answer == .drop { record.dropped.add(count) }
        record.last.rule = decision.ruleID
        record.last.verdict = decision.answer.verdict
    }

    /// A treatment that behaviour began goes on for all that the source sends, except for those who have earned trust.
    func heldTreatment(
        _ facts: RequestFacts, _ record: SourceRecord, _ standing: Standing, _ credit: Credit, _ now: Instant
    ) -> Cause? {
        let flood = record.flood
        guard flood.isPresent, flood.behaviour != .none, !standing.isProtected else { return nil }
        guard let limit = heldBehaviour(flood, facts[.method], now) else { return nil }
        if credit.isTrusted, isOfTrustedUser(facts, at: record.address, now) { return nil }
        return Cause(limit)
    }
}

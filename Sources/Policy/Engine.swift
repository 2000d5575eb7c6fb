/// Decides about requests: facts and what is known of their source in, a decision out.
///
/// Pure but for the counters of its store: it reads no clock, waits for nothing, throws nothing and logs nothing. The caller
/// holds the source's record exclusively while it decides.
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
        if now - record.lastSeen > .seconds(600) { record.requestsAtRest = record.requests }
        record.requests.add(facts.count)
        record.lastSeen = now
        var decision = decide(facts, &record, standing, ban, now, &trace)
        if ruleset.mode != .enforce, decision.answer != .pass {
            trace?.add("mode", "\(ruleset.mode.rawValue): would have been \(decision.answer.verdict.name)")
            let shadow = Decision.Shadow(verdict: decision.answer.verdict, rule: decision.rule)
            (decision.answer, decision.shadow) = (.pass, shadow)
        }
        count(decision, &record, facts.count)
        return decision
    }

    private func decide(
        _ facts: RequestFacts, _ record: inout SourceRecord, _ standing: Standing, _ ban: AddressEntry?,
        _ now: Instant, _ trace: inout Trace?
    ) -> Decision {
        guard ruleset.mode != .off else { return Decision(.pass, rule: RuleName.default, id: .default) }
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
        var decision: Decision
        if let signature = marks.decisive {
            decision = treat(Cause(ruleset.mark(signature)), facts, &record, isProtected, now, &trace)
        } else if let held = treatHeld(facts, &record, standing, credit, isProtected, now, &trace) {
            decision = held
        } else if let (limit, retry) = exceeded(
            facts, standing, credit, record.address, now, &marks, &trace)
        {
            decision = treat(cause(of: limit, credit), facts, &record, isProtected, now, &trace)
            decision.retryAfter = retry
        } else {
            decision = Decision(.pass, rule: RuleName.default, id: .default)
        }
        decision.hits = marks.hits
        if decision.answer == .pass { decision.shadow = marks.shadow }
        return decision
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

    /// Goes on with a treatment that holds; nil where there is none, or none for this request.
    private func treatHeld(
        _ facts: RequestFacts, _ record: inout SourceRecord, _ standing: Standing, _ credit: Credit,
        _ isProtected: Bool, _ now: Instant, _ trace: inout Trace?
    ) -> Decision? {
        guard let hold = hold(on: facts, record, standing, credit, now) else { return nil }
        let place = hold.isEverywhere ? "user wherever he is" : hold.user.isKnown ? "user" : "source"
        trace?.add("treatment", "\(hold.cause.rule) still holds for the \(place)")
        var manner = Manner.ladder
        switch admission(to: hold, facts, &record, now) {
        case .admitted:
            trace?.add("probation", "admitted: the user comes again as a phone does")
            return nil
        case .repeated:
            trace?.add("probation", "seen before, but too early or too often")
            manner = .silence(excused: isRetransmission(hold, facts, record, now))
        case .stranger:
            trace?.add("probation", "seen for the first time; it may come again")
            // After a pause, or from a new address, it may be somebody else: no answer that is meant for a tool.
            if hold.isEverywhere || !hasTreatment(record, now) { manner = .silence(excused: false) }
        case .outsider: break
        }
        if hold.user.isKnown { prolong(hold, facts, now) }
        return treat(hold.cause, facts, &record, isProtected, now, &trace, manner)
    }
}

extension Engine {
    /// Counts a request or a report against one limit; one that is not for this source, or cannot be told, conforms.
    func meter(_ rule: LimitRule, _ facts: RequestFacts, _ credit: Credit, _ now: Instant) -> RateLimit.Outcome {
        guard let limit = rule.limit(for: credit), rule.scope.isTold(by: facts) else { return .conforms }
        let key = rule.scope.key(rule.id, facts, grouping: ruleset.sources)
        return meter(rule, key, limit, facts, now)
    }

    /// The same for one on requests, of which most are kept for a source alone.
    @inline(__always)
    private func meter(
        _ place: LimitPlace, _ rule: LimitRule, _ facts: RequestFacts, _ source: HashedSource, _ credit: Credit,
        _ now: Instant
    ) -> RateLimit.Outcome {
        guard place.isOfSource else { return meter(rule, facts, credit, now) }
        guard let limit = rule.limit(for: credit) else { return .conforms }
        return store.take(place.id, of: source, limit: limit, count: facts.count, now: now)
    }

    private func meter(
        _ rule: LimitRule, _ key: CounterKey, _ limit: RateLimit, _ facts: RequestFacts, _ now: Instant
    ) -> RateLimit.Outcome {
        guard rule.event.isDistinct else { return store.take(key, limit: limit, count: facts.count, now: now) }
        guard let member = member(of: rule.event, key, facts) else { return .conforms }
        guard !rule.event.isOfRetries else { return meterRetry(rule, member, key, limit, now) }
        if store.remembers(member, now: now) {
            _ = store.remember(member, for: rule.memory, now: now)
            return .conforms
        }
        let outcome = store.take(set(of: member, key, rule), limit: limit, count: 1, now: now)
        // What does not conform takes up nothing, so it is new again the next time; and nobody fills the store with it.
        if outcome == .conforms { _ = store.remember(member, for: rule.memory, now: now) }
        return outcome
    }

    /// The counter of the set that a member belongs to.
    func set(of member: CounterKey, _ key: CounterKey, _ rule: LimitRule) -> CounterKey {
        var set = member
        set.member = .unknown
        if rule.event == .sourcesTried || rule.event.isOfRetries { set.address = key.address }
        return set
    }

    /// The key of what is counted once; nil where the facts do not tell it.
    func member(of event: CountedEvent, _ key: CounterKey, _ facts: RequestFacts) -> CounterKey? {
        var key = key
        switch event {
        case .usersTried: key.member = facts.user
        case .attempts: key.member = facts[.callID]
        case .retries, .sourcesRetried:
            key.address = ruleset.sources.key(of: facts.source).value
            key.member = facts[.callID]
        case .sourcesTried:
            key.address = ruleset.sources.key(of: facts.source).value
            key.member = .present
        case .targets: key.member = Self.target(facts[.ruri])
        case .dialPrefixes:
            guard let number = DialledNumber(facts.dialled), let tail = number.tail else { return nil }
            (key.subject, key.member) = (tail, number.lead)
        case .countries:
            let number = DialledNumber(facts.dialled)?.international(ruleset.dialling)
            key.member = number.flatMap(CountryCode.of) ?? .unknown
        case .requests, .authFailed, .unknownUser, .failures: return nil
        }
        return key.member.isKnown ? key : nil
    }

    /// A Request-URI without its parameters and headers, which cost an attacker nothing to vary.
    private static func target(_ uri: Bytes) -> Bytes {
        uri.part(0, uri.index(of: 0x3B) ?? uri.index(of: 0x3F) ?? uri.count)
    }

    /// The first limit on requests that this one exceeds; every limit that concerns it counts it.
    func exceeded(
        _ facts: RequestFacts, _ standing: Standing, _ credit: Credit, _ source: HashedSource, _ now: Instant,
        _ marks: Marks, _ trace: inout Trace?, _ decision: inout Decision
    ) -> (LimitRule, Duration)? {
        guard !standing.isProtected else { return nil }
        var first: (LimitRule, Duration)?
        for place in ruleset.requestLimits where place.concerns(marks.method) {
            place.withRule { rule in
                guard case .exceeds(let retry) = meter(place, rule, facts, source, credit, now) else {
                    trace?.add("limit \(rule.name)", usage(of: rule, facts, credit, now))
                    return
                }
                if isSpared(rule, facts, credit, source.address, now) {
                    trace?.add("limit \(rule.name)", "exceeded by the source, but not by this trusted user")
                    return
                }
                decision.hits.addLimit(place.index)
                trace?.add(
                    "limit \(rule.name)",
                    "exceeded: \(rule.event.rawValue) conform again in \(retry.secondsRoundedUp) s, \(rule.mode.rawValue)"
                )
                if rule.mode == .shadow {
                    let answer = treatment(for: Cause(rule), method: facts[.method], answered: true).ladder[0].answer
                    decision.shadow = Decision.Shadow(verdict: answer.verdict, rule: rule.name)
                } else if first == nil {
                    first = (rule, retry)
                }
            }
        }
        return first
    }

    /// Whether a user who has logged in from a source keeps within the limit by himself: what others send from there, or
    /// under its forged address, must not be held against him.
    private func isSpared(
        _ rule: LimitRule, _ facts: RequestFacts, _ credit: Credit, _ address: IPAddress, _ now: Instant
    ) -> Bool {
        guard credit.isTrusted, !rule.scope.has(.user), let limit = rule.limit(for: credit),
            isOfTrustedUser(facts, at: address, now)
        else { return false }
        var key = rule.scope.key(rule.id, facts, grouping: ruleset.sources)
        key.first = facts.user
        return meter(rule, key, limit, facts, now) == .conforms
    }

    /// What the limits add to the request's score that decide nothing by themselves.
    func weigh(
        _ facts: RequestFacts, _ credit: Credit, _ now: Instant, _ marks: inout Marks, _ trace: inout Trace?,
        _ decision: inout Decision
    ) {
        for place in ruleset.hints where place.concerns(marks.method) {
            place.withRule { rule in
                guard let weight = rule.terms.weight, meter(rule, facts, credit, now) != .conforms else {
                    trace?.add("limit \(rule.name)", usage(of: rule, facts, credit, now))
                    return
                }
                decision.hits.addLimit(place.index)
                trace?.add("limit \(rule.name)", "exceeded, +\(weight), \(rule.mode.rawValue)")
                marks.shadowScore += weight
                if rule.mode == .enforce { marks.score += weight }
            }
        }
    }
}

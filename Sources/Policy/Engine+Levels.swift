/// How full the counter is that a limit keeps for somebody, or what else has to be told to find it.
public struct LimitLevel: Sendable {
    public let rule: LimitRule
    /// nil where `needs` says why.
    public let level: RateLimit.Level?
    /// Parts of the counter's key that are not told: `user`, `user_agent`, `node`, `number`.
    public let needs: [String]
    /// The network that is counted as one, where the limit is for each source.
    public let source: Prefix?
}

/// How full counters are, for people who look; nothing of this counts anything.
extension Engine {
    /// Every limit that is in use, in the policy's order, as far as the facts tell which of its counters is meant.
    public func levels(for facts: RequestFacts, _ record: SourceRecord, now: Instant) -> [LimitLevel] {
        let credit = ruleset.trust.credit(for: record.lastAuthOK, now: now)
        return ruleset.limits.compactMap { rule in
            guard rule.mode != .off, let limit = rule.limit(for: credit) else { return nil }
            let network = rule.scope.has(.source) ? rule.scope.prefix ?? ruleset.sources : nil
            let needs = missing(in: facts, for: rule)
            let level = needs.isEmpty ? self.level(at: counter(of: rule, facts), limit, now) : nil
            return LimitLevel(rule: rule, level: level, needs: needs, source: network?.prefix(of: facts.source))
        }
    }

    /// The limit whose treatment goes on for all that a source sends, whether it is banned or not; nil if there is none.
    public func heldLimit(of record: SourceRecord, now: Instant) -> LimitRule? {
        record.flood.isPresent ? heldBehaviour(record.flood, .unknown, now) : nil
    }

    private func missing(in facts: RequestFacts, for rule: LimitRule) -> [String] {
        var parts: [CounterScope.Part] = []
        if rule.scope.has(.user), !facts.user.isKnown { parts.append(.user) }
        if rule.scope.has(.userAgent), !facts[.userAgent].isKnown { parts.append(.userAgent) }
        if rule.scope.has(.node), !facts[.node].isKnown { parts.append(.node) }
        let isNumberNeeded = rule.event == .dialPrefixes && DialledNumber(facts.dialled)?.tail == nil
        return parts.map(\.rawValue) + (isNumberNeeded ? ["number"] : [])
    }

    /// The counter of a limit, whichever of its members a request would add. Only numbers with the same end have one of their own.
    private func counter(of rule: LimitRule, _ facts: RequestFacts) -> CounterKey {
        var key = rule.scope.key(rule.id, facts, grouping: ruleset.sources)
        if rule.event == .dialPrefixes { key.subject = DialledNumber(facts.dialled)?.tail ?? .unknown }
        return key
    }

    private func level(at key: CounterKey, _ limit: RateLimit, _ now: Instant) -> RateLimit.Level? {
        store.arrival(of: key).map { limit.level(at: $0, now: now) }
    }

    /// How much of the answers that a source may get under treatment it has had.
    public func budgetLevel(of record: SourceRecord, now: Instant) -> RateLimit.Level? {
        level(at: .budget(of: record.address), ruleset.budget.perSource, now)
    }

    /// How far a limit is used up before this request.
    func usage(of rule: LimitRule, _ facts: RequestFacts, _ credit: Credit, _ now: Instant) -> String {
        guard let limit = rule.limit(for: credit) else { return "not for trusted sources" }
        guard LimitPlace(index: 0, of: rule).concerns(MethodSet(facts[.method])) else {
            return "not for this method"
        }
        let key = rule.scope.key(rule.id, facts, grouping: ruleset.sources)
        guard rule.scope.isTold(by: facts), !rule.event.isDistinct || member(of: rule.event, key, facts) != nil,
            let level = level(at: counter(of: rule, facts), limit, now)
        else { return "the request tells nothing that it counts" }
        return "\(level.isFull ? "full" : "conforms"): \(level.description(of: rule.event)), \(rule.mode.rawValue)"
    }

    /// Adds how full those limits are that the decision did not come to: those behind what decided, and those on reports.
    public func traceOtherLimits(
        _ facts: RequestFacts, _ record: SourceRecord, now: Instant, _ trace: inout Trace?
    ) {
        let credit = ruleset.trust.credit(for: record.lastAuthOK, now: now)
        let taken = Set(trace?.steps.map(\.step) ?? [])
        for rule in ruleset.limits where rule.mode != .off && !taken.contains("limit \(rule.name)") {
            trace?.add("limit \(rule.name)", usage(of: rule, facts, credit, now), isTaken: false)
        }
    }

    /// How far the answer budgets are used up before this request.
    func budgets(of record: SourceRecord, _ now: Instant) -> String {
        let levels = [
            ("source", budgetLevel(of: record, now: now)),
            ("all", level(at: CounterKey(rule: .totalBudget), ruleset.budget.total, now)),
        ]
        return levels.map { name, level in "\(name) " + (level.map { "\($0.used) of \($0.room)" } ?? "unknown") }
            .joined(separator: ", ")
    }
}

extension CounterKey {
    /// What counts the answers that a source gets under treatment.
    static func budget(of source: IPAddress) -> CounterKey {
        var key = CounterKey(rule: .sourceBudget)
        key.address = source.value
        return key
    }
}

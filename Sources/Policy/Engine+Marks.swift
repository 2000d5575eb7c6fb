/// What a request's marks say.
struct Marks {
    var hits = Hits()
    /// The signature that names the tool, where the score reaches the threshold.
    var decisive: Int?
    /// What rules in shadow mode would have decided.
    var shadow: Decision.Shadow?
}

extension Engine {
    /// Adds up the signatures that the request carries. Of those the heaviest names the tool, among equals the first.
    func score(_ facts: RequestFacts, _ trace: inout Trace?) -> Marks {
        var marks = Marks()
        var (score, heaviest, shadowScore): (Int, Int?, Int) = (0, nil, 0)
        var shadowHeaviest: Int?
        var carried = ruleset.matcher.carried(by: facts)
        while let index = carried.popFirst() {
            guard ruleset.signatures[index].mode != .off else { continue }
            let signature = ruleset.signatures[index]
            marks.hits.addSignature(index)
            trace?.add(
                "signature \(signature.name)", "+\(signature.weight) \(signature.tool), \(signature.mode.rawValue)")
            shadowScore += signature.weight
            if signature.weight > shadowHeaviest.map({ ruleset.signatures[$0].weight }) ?? 0 { shadowHeaviest = index }
            guard signature.mode == .enforce else { continue }
            score += signature.weight
            if signature.weight > heaviest.map({ ruleset.signatures[$0].weight }) ?? 0 { heaviest = index }
        }
        trace?.add("score", "\(score) of \(ruleset.threshold)")
        if score >= ruleset.threshold {
            marks.decisive = heaviest
        } else if shadowScore >= ruleset.threshold, let index = shadowHeaviest {
            let cause = Cause(ruleset.signatures[index])
            let answer = treatment(for: cause, method: facts[.method], answered: false).ladder[0].answer
            marks.shadow = Decision.Shadow(verdict: answer.verdict, rule: cause.rule)
        }
        return marks
    }

    /// The first limit on requests that this one exceeds; every limit counts it.
    func exceeded(
        _ facts: RequestFacts, _ standing: Standing, _ isTrusted: Bool, _ now: Instant, _ marks: inout Marks,
        _ trace: inout Trace?
    ) -> (LimitRule, Duration)? {
        guard !standing.isProtected else { return nil }
        var first: (LimitRule, Duration)?
        for index in ruleset.limits.indices where ruleset.limits[index].event == .requests {
            guard let retry = excess(ruleset.limits[index], facts, isTrusted, now) else { continue }
            let rule = ruleset.limits[index]
            marks.hits.addLimit(index)
            trace?.add(
                "limit \(rule.name)", "exceeded, conforms again in \(retry.secondsRoundedUp) s, \(rule.mode.rawValue)")
            if rule.mode == .shadow {
                let answer = treatment(for: Cause(rule), method: facts[.method], answered: true).ladder[0].answer
                marks.shadow = Decision.Shadow(verdict: answer.verdict, rule: rule.name)
            } else if first == nil {
                first = (rule, retry)
            }
        }
        return first
    }

    /// Counts a request for a limit: when to come again, where it exceeds it. Apart, so that a request within all limits counts
    /// no reference of theirs.
    @inline(__always)
    private func excess(
        _ rule: borrowing LimitRule, _ facts: RequestFacts, _ isTrusted: Bool, _ now: Instant
    ) -> Duration? {
        guard rule.mode != .off else { return nil }
        let key = rule.scope.key(rule.id, facts, user: facts.user, grouping: ruleset.sources)
        let limit = isTrusted ? rule.trustedLimit : rule.limit
        guard case .exceeds(let retry) = store.take(key, limit: limit, count: facts.count, now: now) else { return nil }
        return retry
    }
}

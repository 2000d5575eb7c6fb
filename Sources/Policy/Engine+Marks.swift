/// What a request's marks say.
struct Marks {
    var hits = Hits()
    /// The signature or feed that names the tool, where the score reaches the threshold.
    var decisive: Int?
    /// What rules in shadow mode would have decided.
    var shadow: Decision.Shadow?
}

extension Engine {
    /// Adds up the signatures that the request carries, and the feeds that name its source, one bit each. Of those the
    /// heaviest names the tool, among equals the first.
    func score(_ facts: RequestFacts, feeds: UInt32, _ trace: inout Trace?) -> Marks {
        var (marks, score) = (Marks(), Score())
        let matcher = ruleset.matcher
        var carried = matcher.carried(by: facts)
        while let index = carried.popFirst() { add(index, &score, &marks, &trace) }
        for feed in ruleset.feeds.indices where feeds & 1 << UInt32(feed) != 0 {
            add(matcher.count + feed, &score, &marks, &trace)
        }
        trace?.add("score", "\(score.enforced) of \(ruleset.threshold)")
        if score.enforced >= ruleset.threshold {
            marks.decisive = score.heaviest
        } else if score.all >= ruleset.threshold, let index = score.heaviestOfAll {
            let cause = Cause(ruleset.mark(index))
            let answer = treatment(for: cause, method: facts[.method], answered: false).ladder[0].answer
            marks.shadow = Decision.Shadow(verdict: answer.verdict, rule: cause.rule)
        }
        return marks
    }

    private func add(_ index: Int, _ score: inout Score, _ marks: inout Marks, _ trace: inout Trace?) {
        let mark = ruleset.mark(index)
        guard mark.mode != .off else { return }
        marks.hits.addSignature(index)
        let kind = index < ruleset.signatures.count ? "signature" : "feed"
        trace?.add("\(kind) \(mark.name)", "+\(mark.weight) \(mark.tool), \(mark.mode.rawValue)")
        score.all += mark.weight
        if mark.weight > score.heaviestOfAll.map({ ruleset.mark($0).weight }) ?? 0 { score.heaviestOfAll = index }
        guard mark.mode == .enforce else { return }
        score.enforced += mark.weight
        if mark.weight > score.heaviest.map({ ruleset.mark($0).weight }) ?? 0 { score.heaviest = index }
    }

    /// The weights so far: of what is enforced, and with what is in shadow mode.
    private struct Score {
        var (enforced, all) = (0, 0)
        var (heaviest, heaviestOfAll): (Int?, Int?)
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

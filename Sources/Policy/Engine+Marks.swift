/// What a request's marks say.
struct Marks {
    /// The request's method, as limits ask for it.
    let method: MethodSet
    var score = 0
    /// The score with what is in shadow mode.
    var shadowScore = 0
    /// The heaviest mark, among equals the first, and the same with those in shadow mode.
    var heaviest: (index: Int, weight: Int)?
    var shadowHeaviest: (index: Int, weight: Int)?
    /// The signature or feed that names the tool, where the score reaches the threshold.
    var decisive: Int?

    init(method: MethodSet) { self.method = method }

    mutating func add(_ index: Int, _ weight: Int, _ mode: Mode) {
        shadowScore += weight
        if weight > shadowHeaviest?.weight ?? 0 { shadowHeaviest = (index, weight) }
        guard mode == .enforce else { return }
        score += weight
        if weight > heaviest?.weight ?? 0 { heaviest = (index, weight) }
    }
}

extension Engine {
    /// Adds up the signatures that the request carries, the feeds that name its source, one bit each, and the limits that only
    /// weigh. Of the marks the heaviest names the tool, among equals the first.
    func score(
        _ facts: RequestFacts, feeds: UInt32, _ standing: Standing, _ credit: Credit, _ now: Instant,
        _ harmless: HarmlessValues?, _ trace: inout Trace?, _ decision: inout Decision
    ) -> Marks {
        var marks = Marks(method: ruleset.asksForMethods ? MethodSet(facts[.method]) : [])
        let matcher = ruleset.matcher
        var carried = SignatureSet()
        matcher.find(in: facts, &carried, knowing: harmless)
        while let index = carried.popFirst() { add(index, facts, &marks, &trace, &decision) }
        for feed in ruleset.feeds.indices where feeds & 1 << UInt32(feed) != 0 {
            add(matcher.count + feed, facts, &marks, &trace, &decision)
        }
        if !standing.isProtected { weigh(facts, credit, now, &marks, &trace, &decision) }
        trace?.add("score", "\(marks.score) of \(ruleset.threshold)")
        conclude(&marks, facts, &decision)
        return marks
    }

    private func add(
        _ index: Int, _ facts: RequestFacts, _ marks: inout Marks, _ trace: inout Trace?, _ decision: inout Decision
    ) {
        let mark = ruleset.mark(index)
        guard mark.mode != .off else { return }
        decision.hits.addSignature(index)
        marks.add(index, mark.weight, mark.mode)
        let isSignature = index < ruleset.toolSignatures
        let kind = isSignature ? "signature" : index < ruleset.signatures.count ? "content" : "feed"
        trace?.add(
            "\(kind) \(mark.name)",
            "+\(mark.weight)\(mark.hasTool ? " " + mark.tool : ""), \(mark.mode.rawValue): \(evidence(index, facts))")
    }

    /// Behaviour may tip the scales, but without any mark it names nobody.
    private func conclude(_ marks: inout Marks, _ facts: RequestFacts, _ decision: inout Decision) {
        if marks.score >= ruleset.threshold, let heaviest = marks.heaviest {
            marks.decisive = heaviest.index
        } else if marks.shadowScore >= ruleset.threshold, let heaviest = marks.shadowHeaviest {
            let cause = Cause(ruleset.mark(heaviest.index))
            let answer = treatment(for: cause, method: facts[.method], answered: false).ladder[0].answer
            decision.shadow = Decision.Shadow(verdict: answer.verdict, rule: cause.rule)
        }
    }
}

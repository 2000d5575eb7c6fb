/// What a request's marks say.
struct Marks {
    var hits = Hits()
    /// The request's method, as limits ask for it.
    let method: MethodSet
    var score = 0
    /// The score with what is in shadow mode.
    var shadowScore = 0
    /// The heaviest signature, among equals the first, and the same with those in shadow mode.
    var heaviest: (index: Int, weight: Int)?
    var shadowHeaviest: (index: Int, weight: Int)?
    /// The signature that names the tool, where the score reaches the threshold.
    var decisive: Int?
    /// What rules in shadow mode would have decided.
    var shadow: Decision.Shadow?

    init(method: MethodSet) { self.method = method }

    mutating func add(_ index: Int, _ weight: Int, _ mode: Mode) {
        hits.addSignature(index)
        shadowScore += weight
        if weight > shadowHeaviest?.weight ?? 0 { shadowHeaviest = (index, weight) }
        guard mode == .enforce else { return }
        score += weight
        if weight > heaviest?.weight ?? 0 { heaviest = (index, weight) }
    }
}

extension Engine {
    /// Adds up the signatures that the request carries, and the limits that only weigh.
    func score(
        _ facts: RequestFacts, _ standing: Standing, _ credit: Credit, _ now: Instant, _ trace: inout Trace?
    ) -> Marks {
        var marks = Marks(method: ruleset.asksForMethods ? MethodSet(facts[.method]) : [])
        let matcher = ruleset.matcher
        for index in 0..<matcher.count where matcher.matches(index, facts) {
            let signature = ruleset.signatures[index]
            guard signature.mode != .off else { continue }
            marks.add(index, signature.weight, signature.mode)
            trace?.add(
                "signature \(signature.name)", "+\(signature.weight) \(signature.tool), \(signature.mode.rawValue)")
        }
        if !standing.isProtected { weigh(facts, credit, now, &marks, &trace) }
        trace?.add("score", "\(marks.score) of \(ruleset.threshold)")
        conclude(&marks, facts)
        return marks
    }

    /// Behaviour may tip the scales, but without any mark it names nobody.
    private func conclude(_ marks: inout Marks, _ facts: RequestFacts) {
        if marks.score >= ruleset.threshold, let heaviest = marks.heaviest {
            marks.decisive = heaviest.index
        } else if marks.shadowScore >= ruleset.threshold, let heaviest = marks.shadowHeaviest {
            let cause = Cause(ruleset.signatures[heaviest.index])
            let answer = treatment(for: cause, method: facts[.method], answered: false).ladder[0].answer
            marks.shadow = Decision.Shadow(verdict: answer.verdict, rule: cause.rule)
        }
    }
}

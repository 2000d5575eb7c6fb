import JSON
import Policy

/// Hands one thread's decisions and reports to the decision log, from memory that is used again and again.
final class DecisionRecorder {
    private let log: DecisionLog
    private let stripe: Int
    /// What the writer cannot know by itself as the rest of a line. One thread uses it: a check at each access would find nothing.
    @exclusivity(unchecked) private var rest = JSONWriter()

    init(_ log: DecisionLog) { (self.log, stripe) = (log, log.join()) }

    deinit { log.leave() }

    func record(_ decision: Decision, _ facts: RequestFacts, _ ruleset: Ruleset, at now: Instant) {
        if log.settings.coverage == .treated, decision.answer == .pass, decision.shadow == nil { return }
        rest.removeAll()
        if decision.isPlainPass, facts.feeds == 0 { return add(facts, .plainPass(id: decision.id), at: now) }
        writeResult(decision, facts, ruleset)
        add(facts, .decision, at: now)
    }

    func record(_ outcome: Outcome, _ facts: RequestFacts, at now: Instant) {
        guard log.settings.coverage == .all || outcome == .dropped else { return }
        rest.removeAll()
        add(facts, .report(outcome), at: now)
    }

    @inline(__always)
    private func add(_ facts: RequestFacts, _ kind: LogRecord.Kind, at now: Instant) {
        let rest = rest.bytes
        log.add(bytes: LogRecord.size(facts, rest: rest.count), at: now, stripe: stripe) {
            LogRecord.write(facts, kind, rest: rest, to: $0)
        }
    }

    @inline(never)
    private func writeResult(_ decision: Decision, _ facts: RequestFacts, _ ruleset: Ruleset) {
        if facts.feeds != 0 {
            let feeds = ruleset.feeds
            let naming = feeds.indices.filter { facts.feeds & 1 << UInt32($0) != 0 }
            rest.raw(#","feeds":"#)
            rest.value(.array(naming.map { .string(feeds[$0].name) }))
        }
        rest.raw(#","result":"#)
        DecisionWriter.write(decision, into: &rest)
    }
}

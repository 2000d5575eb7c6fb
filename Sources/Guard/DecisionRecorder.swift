import JSON
import Policy

/// Hands one thread's decisions and reports to the decision log, from memory that is used again and again.
final class DecisionRecorder {
    private let log: DecisionLog
    private let stripe: Int
    /// Room for a record with all facts at full length. One thread uses it, so that a check at each access would find nothing.
    @exclusivity(unchecked) private var record = JSONWriter(capacity: 32 << 10)

    init(_ log: DecisionLog) { (self.log, stripe) = (log, log.join()) }

    deinit { log.leave() }

    func record(_ decision: Decision, _ facts: RequestFacts, _ ruleset: Ruleset, at now: Instant) {
        if log.settings.coverage == .treated, decision.answer == .pass, decision.shadow == nil { return }
        record.removeAll()
        if decision.isPlainPass, facts.feeds == 0 {
            LogRecord.write(facts, .plainPass(id: decision.id), into: &record)
        } else {
            LogRecord.write(facts, .decision, into: &record)
            writeResult(decision, facts, ruleset)
        }
        log.add(record.bytes, at: now, stripe: stripe)
    }

    func record(_ outcome: Outcome, _ facts: RequestFacts, at now: Instant) {
        guard log.settings.coverage == .all || outcome == .dropped else { return }
        record.removeAll()
        LogRecord.write(facts, .report(outcome), into: &record)
        log.add(record.bytes, at: now, stripe: stripe)
    }

    @inline(never)
    private func writeResult(_ decision: Decision, _ facts: RequestFacts, _ ruleset: Ruleset) {
        if facts.feeds != 0 {
            let feeds = ruleset.feeds
            let naming = feeds.indices.filter { facts.feeds & 1 << UInt32($0) != 0 }
            record.raw(#","feeds":"#)
            record.value(.array(naming.map { .string(feeds[$0].name) }))
        }
        record.raw(#","result":"#)
        DecisionWriter.write(decision, into: &record)
    }
}

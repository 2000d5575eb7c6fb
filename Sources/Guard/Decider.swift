import Policy
import State

/// Asks the engine and keeps what it says: the way that every request takes, whoever brings it.
///
/// One for each thread that asks; it remembers the newest snapshot, so that a question takes no lock but the tables'.
public final class Decider {
    let state: GuardState
    /// The newest snapshot that this thread has seen, and its number.
    private var newest: Snapshot
    private var generation: UInt64
    private let sources: SourceTable
    private let recorder: DecisionRecorder?
    private let told: VerdictCounts
    /// What the newest snapshot's signatures find nothing in; nil where there is one request only.
    private let harmless: HarmlessValues?
    /// Whose memory has been asked for.
    private var expected: HashedSource
    /// Ids that no other thread gives: every decision needs one, and all would wait for the cache line of a common number.
    private var ids: Range<UInt64> = 0..<0

    /// - Parameter once: it is asked about one request, and need not remember anything for the next.
    public init(_ state: GuardState, once: Bool = false) {
        self.state = state
        harmless = once ? nil : HarmlessValues()
        sources = state.sources
        expected = sources.source(IPAddress(value: 0))
        generation = state.publisher.generation
        newest = state.publisher.current
        recorder = state.decisionLog.map(DecisionRecorder.init)
        told = state.totals.nextVerdictCounts()
    }

    func snapshot() -> Snapshot { withSnapshot { $0 } }

    /// Lends the newest snapshot to `body`, which must not ask for it again. References to it are not counted: all threads would do
    /// so in one cache line.
    private func withSnapshot<Result>(_ body: (Snapshot) -> Result) -> Result {
        let generation = state.publisher.generation
        if generation != self.generation {
            (self.generation, newest) = (generation, state.publisher.current)
            harmless?.removeAll()
        }
        return Unmanaged.passUnretained(newest)._withUnsafeGuaranteedRef(body)
    }

    private func nextID() -> UInt64 {
        if ids.isEmpty { ids = state.nextDecisions(64) }
        defer { ids = (ids.lowerBound + 1)..<ids.upperBound }
        return ids.lowerBound
    }

    /// A request of this source is being read: asks for the memory that will be looked at to decide about it.
    func expect(_ address: IPAddress) {
        withSnapshot { expect($0.engine.ruleset.sources.key(of: address), $0) }
    }

    private func expect(_ key: IPAddress, _ snapshot: Snapshot) {
        expected = sources.source(key)
        sources.expect(expected)
        snapshot.engine.expect(expected)
    }

    /// The same for the record of who is expected, a moment later.
    func expectRecord() { sources.expectRecord(of: expected) }

    /// Decides about a request. Another time than the present is for what was recorded.
    public func check(_ facts: RequestFacts, at now: Instant = Clock.now) -> Decision {
        // Here and not in a variable: what closures have written to would be copied, and a decision's copy counts references.
        withUnsafeTemporaryAllocation(of: Decision.self, capacity: 1) { memory in
            let decision = memory.baseAddress!
            decision.initialize(to: Decision())
            withSnapshot { check(facts, $0, now, &decision.pointee) }
            return decision.move()
        }
    }

    private func check(_ facts: RequestFacts, _ snapshot: Snapshot, _ now: Instant, _ decision: inout Decision) {
        let feeds = snapshot.addresses.feeds(naming: facts.source)
        // Nearly nobody is in a feed: the others' facts are not copied.
        if feeds == 0 { return meet(facts, snapshot, now, &decision) }
        var named = facts
        named.feeds = feeds
        meet(named, snapshot, now, &decision)
    }

    /// Looks whether somebody has banned the source. That nobody has is handed on as a constant, so that no entry is copied.
    private func meet(_ facts: RequestFacts, _ snapshot: Snapshot, _ now: Instant, _ decision: inout Decision) {
        guard snapshot.addresses.hasBans, let ban = snapshot.addresses.ban(on: facts.source, now: now) else {
            return decide(facts, snapshot, nil, now, &decision)
        }
        decide(facts, snapshot, ban, now, &decision)
    }

    /// - Parameter decision: a new one.
    private func decide(
        _ facts: RequestFacts, _ snapshot: Snapshot, _ ban: AddressEntry?, _ now: Instant, _ decision: inout Decision
    ) {
        let ruleset = snapshot.engine.ruleset
        // All that is known to be needed is asked for before the first of it is waited for.
        let key = ruleset.sources.key(of: facts.source)
        if expected.address != key { expect(key, snapshot) }
        let source = expected
        let standing = snapshot.addresses.standing(of: facts.source, now: now)
        decision.id = nextID()
        sources.withRecord(of: source, trust: ruleset.trust, now: now) { record in
            var trace: Trace?
            record.last.id = decision.id
            let flood = FloodStanding(record.flood)
            snapshot.engine.check(
                facts, of: source, record: &record, standing: standing, ban: ban, now: now, knowing: harmless,
                trace: &trace, into: &decision)
            // Most pass, and nothing follows.
            guard decision.isTreated || decision.ruleID != .default || !decision.events.isEmpty else { return }
            decision.lease = snapshot.engine.lease(for: decision, facts, record, standing, ban, now: now)
            follow(decision, facts, id: decision.id, before: flood, record: &record, ruleset, now: now)
            if !decision.events.isEmpty { announce(decision, record, facts.user, ruleset) }
        }
        count(decision, facts.count)
        if !decision.hits.isEmpty { snapshot.hits.add(decision.hits) }
        recorder?.record(decision, facts, ruleset, at: now)
    }

    /// Takes what became of a request.
    public func report(_ outcome: Outcome, _ facts: RequestFacts, at now: Instant = Clock.now) {
        guard outcome != .dropped else { return dropped(facts, at: now) }
        let snapshot = snapshot()
        let ruleset = snapshot.engine.ruleset
        let standing = snapshot.addresses.standing(of: facts.source, now: now)
        let key = ruleset.sources.key(of: facts.source)
        let decision = sources.withRecord(of: key, trust: ruleset.trust, now: now) { record in
            let incident = record.flood.incident
            let decision = snapshot.engine.report(outcome, facts, record: &record, standing: standing, now: now)
            if decision.events.contains(.floodBegan) {
                begin(facts, id: nextID(), previous: incident, counted: 0, &record, ruleset, now)
            }
            if !decision.events.isEmpty { announce(decision, record, facts.user, ruleset) }
            return decision
        }
        recorder?.record(outcome, facts, at: now)
        state.totals.count(outcome, facts.count)
        state.totals.count(decision.events, decision.endedFloodAnswers)
        snapshot.hits.add(decision.hits)
    }

    /// Takes what a proxy has answered by itself under a lease.
    private func dropped(_ facts: RequestFacts, at now: Instant) {
        let snapshot = snapshot()
        let ruleset = snapshot.engine.ruleset
        let standing = snapshot.addresses.standing(of: facts.source, now: now)
        let ban = snapshot.addresses.ban(on: facts.source, now: now)
        let key = ruleset.sources.key(of: facts.source)
        let decision = sources.withRecord(of: key, trust: ruleset.trust, now: now) { record in
            let flood = FloodStanding(record.flood)
            let decision = snapshot.engine.dropped(facts, record: &record, standing: standing, ban: ban, now: now)
            follow(decision, facts, id: record.last.id, before: flood, record: &record, ruleset, now: now)
            if !decision.events.isEmpty { announce(decision, record, facts.user, ruleset) }
            return decision
        }
        recorder?.record(.dropped, facts, at: now)
        state.totals.count(.dropped, facts.count)
        count(decision, facts.count)
    }

    private func count(_ decision: Decision, _ requests: Int) {
        told.count(decision, requests)
        if !decision.events.isEmpty { state.totals.count(decision.events, decision.endedFloodAnswers) }
    }

    /// Puts what began into the queues of the log and of those who act on it; both are somebody else's thread.
    private func announce(_ decision: Decision, _ record: SourceRecord, _ user: Bytes, _ ruleset: Ruleset) {
        if decision.events.contains(.floodBegan) {
            state.announce(.began, .began(source: record.address, user: user.isKnown ? user.text : nil))
        }
        if decision.events.contains(.banned) {
            state.announce(.banned, .banned(source: ruleset.sources.prefix(of: record.address)))
            state.events.add(.banned(source: record.address, rule: decision.rule, until: record.bannedUntil))
            state.stateFile?.markChanged()
        }
    }
}

import JSON
import Policy
import RPC

/// The hot path: from the params of a request to its verdict, without a wait.
extension GuardSession {
    func check(_ params: JSONView?, _ result: inout JSONWriter) throws(RPCError) {
        let facts = try RequestParams.facts(params)
        if !facts[.method].isKnown, params?["message"] == nil {
            throw .invalidParams("method", "is needed unless message is given")
        }
        answer(facts, &result)
    }

    private func answer(_ facts: RequestFacts, _ result: inout JSONWriter) {
        if !facts[.method].isKnown { state.totals.unreadable.add(1, ordering: .relaxed) }
        let (id, decision) = decide(facts)
        DecisionWriter.write(decision, id: id, into: &result)
    }

    func fastPath(line: UnsafeRawBufferPointer, reply: inout JSONWriter) -> Bool {
        guard let call = PlainCheck(line, scratch: scratch.bytes(line.count)) else { return false }
        reply.raw(#"{"jsonrpc":"2.0","id":"#)
        reply.raw(call.id)
        reply.raw(#","result":"#)
        answer(call.facts, &reply)
        reply.raw("}")
        return true
    }

    private func decide(_ facts: RequestFacts) -> (UInt64, Decision) {
        let (snapshot, now) = (snapshot(), Clock.now)
        let ruleset = snapshot.engine.ruleset
        let standing = snapshot.addresses.standing(of: facts.source, now: now)
        let ban = snapshot.addresses.ban(on: facts.source, now: now)
        let id = state.nextDecision()
        var trace: Trace?
        let key = ruleset.sources.key(of: facts.source)
        let decision = state.sources.withRecord(of: key, trust: ruleset.trust, now: now) { record in
            record.last.id = id
            let decision = snapshot.engine.check(
                facts, record: &record, standing: standing, ban: ban, now: now, trace: &trace)
            if !decision.events.isEmpty { announce(decision, record, snapshot) }
            return decision
        }
        state.totals.count(decision, facts.count)
        snapshot.hits.add(decision.hits)
        return (id, decision)
    }

    func report(_ params: JSONView?, _ result: inout JSONWriter) throws(RPCError) {
        var facts = try RequestParams.facts(params)
        let outcome = try Self.outcome(params?["outcome"])
        if let user = try RequestParams.bytes("user", params?["user"]) { facts[.authUser] = user }
        let (snapshot, now) = (snapshot(), Clock.now)
        let ruleset = snapshot.engine.ruleset
        let standing = snapshot.addresses.standing(of: facts.source, now: now)
        let key = ruleset.sources.key(of: facts.source)
        let decision = state.sources.withRecord(of: key, trust: ruleset.trust, now: now) { record in
            let decision = snapshot.engine.report(outcome, facts, record: &record, standing: standing, now: now)
            if !decision.events.isEmpty { announce(decision, record, snapshot) }
            return decision
        }
        state.totals.count(outcome)
        state.totals.count(decision.events, decision.endedFloodAnswers)
        snapshot.hits.add(decision.hits)
        result.beginObject()
        result.member("counted", true)
        result.endObject()
    }

    private static func outcome(_ value: JSONView?) throws(RPCError) -> Outcome {
        guard let bytes = try RequestParams.bytes("outcome", value) else {
            throw .invalidParams("outcome", "is needed")
        }
        guard let outcome = Outcome(rawValue: bytes.text) else {
            throw .invalidParams(
                "outcome", "one of \(Outcome.allCases.map(\.rawValue).joined(separator: ", ")) is allowed")
        }
        return outcome
    }

    /// Puts what began into the queue of the log; the log itself is somebody else's thread.
    private func announce(_ decision: Decision, _ record: SourceRecord, _ snapshot: Snapshot) {
        let ruleset = snapshot.engine.ruleset
        if decision.events.contains(.floodBegan) {
            let treatment = ruleset.name(of: record.flood.treatment) ?? ""
            state.events.add(.floodBegan(source: record.address, rule: decision.rule, treatment: treatment))
        }
        if decision.events.contains(.banned) {
            state.events.add(.banned(source: record.address, rule: decision.rule, until: record.bannedUntil))
            state.stateFile?.markChanged()
        }
    }
}

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
        if let unasked = try RequestParams.integer("failed_open", params?["failed_open"]), unasked > 0 {
            let node = facts[.node].isKnown ? facts[.node].text : ""
            state.alarms.passedUnasked(min(unasked, 1_000_000), node: String(node.prefix(64)), now: Clock.now)
        }
        answer(facts, &result)
    }

    private func answer(_ facts: RequestFacts, _ result: inout JSONWriter) {
        if !facts[.method].isKnown { state.totals.unreadable.add(1, ordering: .relaxed) }
        let decision = decider.check(facts)
        DecisionWriter.write(decision, agent: facts[.userAgent], into: &result)
    }

    func fastPath(line: UnsafeRawBufferPointer, reply: inout JSONWriter) -> Bool {
        var facts = RequestFacts(source: IPAddress(v4: 0))
        let memory = scratch.bytes(PlainCheck.memory(for: line))
        guard let id = PlainCheck.read(line, memory: memory, names: names, for: decider, into: &facts) else {
            return false
        }
        reply.raw(#"{"jsonrpc":"2.0","id":"#)
        reply.raw(id)
        reply.raw(#","result":"#)
        answer(facts, &reply)
        reply.raw("}")
        return true
    }

    func report(_ params: JSONView?, _ result: inout JSONWriter) throws(RPCError) {
        var facts = try RequestParams.facts(params)
        let outcome = try Self.outcome(params?["outcome"])
        if let user = try RequestParams.bytes("user", params?["user"]) { facts[.authUser] = user }
        decider.report(outcome, facts)
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
}

import JSON
import Policy
import PolicyFile
import RPC
import State

/// The running policy.
extension GuardSession {
    func showPolicy(_ result: inout JSONWriter) {
        let policy = snapshot().policy
        result.beginObject()
        result.member("path", policy.path.map { .string($0) } ?? .null)
        result.member("loaded_at", Clock.text(of: policy.loadedAt))
        result.member("mode", policy.document.ruleset.mode.rawValue)
        result.member("rules", policy.document.ruleset.limits.count)
        result.member("signatures", policy.document.ruleset.signatures.count)
        result.member("own_addresses", .array(policy.own.map { .string($0.description) }))
        result.member("text", policy.document.text)
        result.endObject()
    }

    func reloadPolicy(_ result: inout JSONWriter) throws(RPCError) {
        do throws(PolicyProblems) {
            try state.reload()
        } catch {
            throw Self.badPolicy(error)
        }
        let policy = snapshot().policy
        result.beginObject()
        result.member("path", policy.path.map { .string($0) } ?? .null)
        result.member("rules", policy.document.ruleset.limits.count)
        result.member("signatures", policy.document.ruleset.signatures.count)
        result.member("loaded_at", Clock.text(of: policy.loadedAt))
        result.endObject()
    }

    private static func badPolicy(_ error: PolicyProblems) -> RPCError {
        RPCError(
            code: RPCErrorCode.badPolicy, message: "The policy has mistakes; the old one stays",
            data: ["problems": .array(error.problems.map { .string($0.description) })])
    }

    /// Decides on copies and on a store that counts nothing.
    func testPolicy(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        guard let request = params.view("request") else { throw .invalidParams("request", "is needed") }
        var facts = try RequestParams.facts(request)
        let (snapshot, now) = (snapshot(), Clock.now)
        let engine = Engine(ruleset: try ruleset(params) ?? snapshot.engine.ruleset, store: DryRunStore(state.counters))
        // Another policy's feeds have not been got.
        if engine.ruleset === snapshot.engine.ruleset {
            facts.feeds = snapshot.addresses.feeds(naming: facts.source)
        }
        let key = engine.ruleset.sources.key(of: facts.source)
        var record = state.sources.record(of: key) ?? SourceRecord(address: key, now: now)
        var trace: Trace? = Trace()
        let standing = snapshot.addresses.standing(of: facts.source, now: now)
        trace?.add("lists", snapshot.naming(facts.source, now: now))
        let ban = snapshot.addresses.ban(on: facts.source, now: now)
        var decision = engine.check(facts, record: &record, standing: standing, ban: ban, now: now, trace: &trace)
        decision.lease = engine.lease(for: decision, facts, record, standing, ban, now: now)
        engine.traceOtherLimits(facts, record, now: now, &trace)
        result.beginObject()
        result.key("verdict")
        DecisionWriter.write(decision, into: &result)
        result.key("steps")
        result.beginArray()
        for step in trace?.steps ?? [] {
            result.value([
                "step": .string(step.step), "outcome": .string(step.outcome), "taken": .bool(step.isTaken),
            ])
        }
        result.endArray()
        result.endObject()
    }

    private func ruleset(_ params: Params) throws(RPCError) -> Ruleset? {
        guard let text = try params.string("policy") else { return nil }
        do throws(PolicyProblems) {
            return try PolicyDocument.parse(text: text, name: "policy").ruleset
        } catch {
            throw Self.badPolicy(error)
        }
    }
}

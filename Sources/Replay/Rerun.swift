import JSON
import Policy
import PolicyFile

/// Decides again about all that recordings tell: under a policy, and under another one to compare.
public final class Rerun {
    private let simulation: Simulation
    private let other: Simulation?
    private var outline = Outline()
    private var comparison = Comparison()
    private var reports: [Outcome: Int] = [:]
    private var recorded = (same: 0, different: 0)
    private var span: (first: Instant, last: Instant)?

    /// - Parameter own: the addresses of the servers that the requests came to, where a policy leaves them to be found.
    public init(policy: PolicyDocument, other: PolicyDocument? = nil, own: [Prefix] = []) {
        simulation = Simulation(policy: policy, own: own)
        self.other = other.map { Simulation(policy: $0, own: own) }
    }

    public func take(_ event: RecordedEvent) {
        span = (min(span?.first ?? event.at, event.at), max(span?.last ?? event.at, event.at))
        event.request.withFacts { facts in
            switch event.kind {
            case .request: check(facts, event)
            case .report(let outcome):
                reports[outcome, default: 0] += facts.count
                simulation.report(outcome, facts, at: event.at)
                other?.report(outcome, facts, at: event.at)
            }
        }
    }

    private func check(_ facts: RequestFacts, _ event: RecordedEvent) {
        let decision = simulation.check(facts, feeds: event.feeds, at: event.at)
        outline.add(decision, of: facts.source, count: facts.count)
        if let verdict = event.verdict {
            if verdict == decision.answer.verdict.name { recorded.same += 1 } else { recorded.different += 1 }
        }
        if let other { comparison.add(decision, other.check(facts, feeds: event.feeds, at: event.at), facts) }
    }

    /// Whether the two policies decided alike; true without another one.
    public var isSame: Bool { comparison.differing == 0 }

    /// All that came of it, with at most so many sources and users in each list.
    public func result(top: Int) -> JSONValue {
        var object = JSONObject()
        object["seconds"] = .int(span.map { ($0.last - $0.first).microseconds / 1_000_000 } ?? 0)
        object["begins"] = span.map { .string(RecordedTime.text($0.first)) } ?? .null
        for (name, value) in outline.json(top: top) { object[name] = value }
        var outcomes = JSONObject()
        for outcome in Outcome.allCases { outcomes[outcome.rawValue] = .int(Int64(reports[outcome] ?? 0)) }
        object["reports"] = .object(outcomes)
        if recorded.same + recorded.different > 0 {
            object["recorded"] = ["same": .int(Int64(recorded.same)), "different": .int(Int64(recorded.different))]
        }
        if other != nil { object["comparison"] = comparison.json(top: top) }
        return .object(object)
    }
}

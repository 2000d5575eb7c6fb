import JSON
import Policy

/// What came of a recording under one policy.
struct Outline {
    /// Different sources that are told apart; requests of others are counted all the same.
    static let mostSources = 65_536

    struct Source {
        var requests = 0
        var verdicts = [Int](repeating: 0, count: Verdict.allCases.count)
        /// The number of the first request that was not passed.
        var firstTreated: Int?
        /// What decided most recently, other than to pass.
        var rule = ""

        var treated: Int { requests - verdicts[Int(Verdict.pass.rawValue)] }
    }

    private(set) var requests = 0
    private(set) var verdicts = [Int](repeating: 0, count: Verdict.allCases.count)
    private(set) var shadow = 0
    private(set) var rules: [String: Int] = [:]
    private(set) var sources: [IPAddress: Source] = [:]
    private(set) var untold = 0

    mutating func add(_ decision: Decision, of source: IPAddress, count: Int) {
        let verdict = Int(decision.answer.verdict.rawValue)
        requests += count
        verdicts[verdict] += count
        if decision.shadow != nil { shadow += count }
        if decision.answer != .pass { rules[decision.rule, default: 0] += count }
        guard sources[source] != nil || sources.count < Self.mostSources else {
            untold += count
            return
        }
        sources[source, default: Source()].add(decision, count)
    }

    /// The loudest treated sources first, then the others.
    func json(top: Int) -> [(String, JSONValue)] {
        let order = sources.sorted {
            ($0.value.treated, $0.value.requests, $1.key) > ($1.value.treated, $1.value.requests, $0.key)
        }
        return [
            ("requests", .int(Int64(requests))), ("verdicts", .object(Self.named(verdicts))),
            ("shadow", .int(Int64(shadow))), ("rules", .object(Self.object(rules))),
            ("sources_seen", .int(Int64(sources.count))), ("requests_of_untold_sources", .int(Int64(untold))),
            ("sources", .array(order.prefix(top).map { $0.value.json($0.key) })),
        ]
    }

    static func named(_ verdicts: [Int]) -> JSONObject {
        var object = JSONObject()
        for verdict in Verdict.allCases { object[verdict.name] = .int(Int64(verdicts[Int(verdict.rawValue)])) }
        return object
    }

    /// The largest counts first.
    static func object(_ counts: [String: Int]) -> JSONObject {
        var object = JSONObject()
        for (name, count) in counts.sorted(by: { ($0.value, $1.key) > ($1.value, $0.key) }) {
            object[name] = .int(Int64(count))
        }
        return object
    }
}

extension Outline.Source {
    mutating func add(_ decision: Decision, _ count: Int) {
        requests += count
        verdicts[Int(decision.answer.verdict.rawValue)] += count
        guard decision.answer != .pass else { return }
        rule = decision.rule
        if firstTreated == nil { firstTreated = requests - count + 1 }
    }

    func json(_ source: IPAddress) -> JSONValue {
        var object: JSONObject = ["source": .string(source.description), "requests": .int(Int64(requests))]
        for member in Outline.named(verdicts).members { object[member.key] = member.value }
        object["first_treated"] = firstTreated.map { .int(Int64($0)) } ?? .null
        object["rule"] = rule.isEmpty ? .null : .string(rule)
        return .object(object)
    }
}

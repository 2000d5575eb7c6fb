import JSON
import Policy
import RPC

/// How full the limits are that count something of a source.
extension GuardSession {
    /// The source, and whatever else is told to find the counters that are not kept for sources alone.
    static func facts(of source: IPAddress, _ params: Params) throws(RPCError) -> RequestFacts {
        var facts = RequestFacts(source: source)
        let fields: [(StaticString, Field)] = [
            ("user", .fromUser), ("user_agent", .userAgent), ("node", .node), ("number", .toUser),
        ]
        for (name, field) in fields {
            if let value = try RequestParams.bytes(name, params.view(name)) { facts[field] = value }
        }
        return facts
    }

    /// A limit that holds something; nil for those at rest.
    static func value(_ found: LimitLevel, _ facts: RequestFacts) -> JSONValue? {
        guard let level = found.level, level.used > 0 else { return nil }
        var value: JSONObject = [
            "name": .string(found.rule.name), "counts": .string(found.rule.event.rawValue), "key": key(found, facts),
        ]
        for member in Self.value(level).object?.members ?? [] { value[member.key] = member.value }
        value["mode"] = .string(found.rule.mode.rawValue)
        return .object(value)
    }

    static func value(_ level: RateLimit.Level) -> JSONValue {
        [
            "used": .int(Int64(level.used)), "of": .int(Int64(level.room)),
            "next": .int(Int64(level.next.secondsRoundedUp)),
        ]
    }

    /// What the counter is kept for.
    private static func key(_ found: LimitLevel, _ facts: RequestFacts) -> JSONValue {
        var key = JSONObject()
        if let source = found.source { key["source"] = .string(source.slashed) }
        for part in CounterScope.Part.allCases where part != .source && found.rule.scope.parts.contains(part) {
            key[part.rawValue] = .string(text(of: part, facts))
        }
        if found.rule.event == .dialPrefixes { key["number"] = .string(facts[.toUser].text) }
        return .object(key)
    }

    private static func text(of part: CounterScope.Part, _ facts: RequestFacts) -> String {
        switch part {
        case .source: facts.source.description
        case .user: facts.user.text
        case .userAgent: facts[.userAgent].text
        case .node: facts[.node].text
        }
    }

    /// By name the limits whose counters nobody can tell without the further params.
    static func needs(_ levels: [LimitLevel]) -> JSONValue {
        var object = JSONObject()
        for level in levels where !level.needs.isEmpty {
            object[level.rule.name] = .array(level.needs.map(JSONValue.string))
        }
        return .object(object)
    }
}

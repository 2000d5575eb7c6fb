import JSON
import Policy

/// Which sources and users two policies treat differently.
struct Comparison {
    /// Different sources, and different users, that are told apart.
    static let most = 65_536
    private static let mostBytesOfUser = 256

    struct Difference {
        var requests = 0
        /// Requests that were answered differently, by what became what.
        var changes: [Change: Int] = [:]

        var differing: Int { changes.values.reduce(0, +) }
    }

    struct Change: Hashable {
        let before: Verdict
        let after: Verdict
        let ruleBefore: String
        let ruleAfter: String
    }

    private(set) var differing = 0
    private(set) var sources: [IPAddress: Difference] = [:]
    private(set) var users: [String: Difference] = [:]

    mutating func add(_ before: Decision, _ after: Decision, _ facts: RequestFacts) {
        var change: Change?
        if before.answer != after.answer {
            differing += facts.count
            change = Change(
                before: before.answer.verdict, after: after.answer.verdict, ruleBefore: before.rule,
                ruleAfter: after.rule)
        }
        Self.add(change, facts.count, to: &sources, facts.source)
        guard facts.user.isKnown, facts.user.count > 0 else { return }
        Self.add(change, facts.count, to: &users, facts.user.part(0, min(facts.user.count, Self.mostBytesOfUser)).text)
    }

    private static func add<Key>(_ change: Change?, _ count: Int, to table: inout [Key: Difference], _ key: Key) {
        guard table[key] != nil || table.count < most else { return }
        table[key, default: Difference()].requests += count
        if let change { table[key]!.changes[change, default: 0] += count }
    }

    func json(top: Int) -> JSONValue {
        let sources = Self.changed(self.sources)
        let users = Self.changed(self.users)
        return [
            "requests": .int(Int64(differing)), "sources_differing": .int(Int64(sources.count)),
            "users_differing": .int(Int64(users.count)),
            "sources": .array(sources.prefix(top).map { Self.json("source", $0.key.description, $0.value) }),
            "users": .array(users.prefix(top).map { Self.json("user", $0.key, $0.value) }),
        ]
    }

    private static func changed<Key: Comparable>(_ table: [Key: Difference]) -> [(key: Key, value: Difference)] {
        table.filter { !$0.value.changes.isEmpty }
            .sorted { ($0.value.differing, $1.key) > ($1.value.differing, $0.key) }
    }

    private static func json(_ name: String, _ key: String, _ difference: Difference) -> JSONValue {
        let changes = difference.changes.sorted { ($0.value, $1.key.ruleBefore) > ($1.value, $0.key.ruleBefore) }
        return .object([
            name: .string(key), "requests": .int(Int64(difference.requests)),
            "differing": .int(Int64(difference.differing)),
            "changes": .array(
                changes.prefix(8).map { change, count in
                    [
                        "from": .string(change.before.name), "to": .string(change.after.name),
                        "rule_from": .string(change.ruleBefore), "rule_to": .string(change.ruleAfter),
                        "requests": .int(Int64(count)),
                    ]
                }),
        ])
    }
}

import JSON
import Policy
import RPC

/// Names on the allow list.
extension GuardSession {
    /// Every name with what it was found to be.
    var nameValues: JSONValue {
        let answers = state.names.current.answers
        return .array(
            state.allowedNames.map { entry in
                let answer = answers[entry.name.name.lowercased()]
                let until = entry.name.until.map { Clock.text(ofWallSeconds: $0) }
                return [
                    "name": .string(entry.name.name),
                    "addresses": .array((answer?.addresses ?? []).map { .string($0.description) }),
                    "since": .string(Clock.text(of: entry.since)), "until": until.map { .string($0) } ?? .null,
                    "comment": .string(entry.name.comment), "by": .string(entry.by),
                    "resolved_at": answer?.resolvedAt.map { .string(Clock.text(of: $0)) } ?? .null,
                    "error": answer?.problem.map { .string($0) } ?? .null,
                ]
            })
    }

    func addName(_ text: String, _ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        guard AllowedName.isName(text) else { throw .invalidParams("name", "is not a host's name") }
        let now = Clock.now
        let until = try params.duration("duration").map { Clock.wallSeconds(of: now + $0) }
        let name = AllowedName(name: text, comment: try params.comment("comment"), until: until)
        let entry = AllowedNames.Entry(name: name, since: now, by: try params.comment("by"))
        let isAdded = state.names.update { known in
            guard known.added.count < AllowedNames.limit || known.added[text.lowercased()] != nil else { return false }
            known.added[text.lowercased()] = entry
            return true
        }
        guard isAdded else {
            throw RPCError(
                code: RPCErrorCode.listFull, message: "The list is full",
                data: ["problem": .string("it holds \(AllowedNames.limit) names; remove some")])
        }
        state.namesChanged()
        state.events.add(.nameAllowed(text, by: entry.by))
        result.value([
            "name": .string(text), "since": .string(Clock.text(of: now)),
            "until": until.map { .string(Clock.text(ofWallSeconds: $0)) } ?? .null,
            "comment": .string(name.comment), "by": .string(entry.by),
        ])
    }

    func removeName(_ text: String, _ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let isRemoved = state.names.update { $0.added.removeValue(forKey: text.lowercased()) != nil }
        let fixed = snapshot().engine.ruleset.addresses.allowNames
        if !isRemoved, fixed.contains(where: { $0.name.lowercased() == text.lowercased() }) {
            throw .invalidParams("name", "stands in the policy file; remove it there and reload")
        }
        if isRemoved {
            state.namesChanged()
            state.events.add(.allowRemoved(text, by: try params.comment("by")))
        }
        result.value(["removed": .bool(isRemoved)])
    }
}

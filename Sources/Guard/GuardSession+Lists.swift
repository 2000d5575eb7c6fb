import JSON
import Policy
import RPC

extension RPCErrorCode {
    /// Ours, of those that JSON-RPC leaves to servers; see docs/protocol.md.
    static let protectedAddress = -32010
    static let badPolicy = -32011
    static let listFull = -32012
}

/// Bans and the allow list.
extension GuardSession {
    func listBans(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let (snapshot, now) = (snapshot(), Clock.now)
        let manual = snapshot.addresses.banned.filter { $0.holds(at: now) }.map { Self.value($0, rule: "manual") }
        let ruleset = snapshot.engine.ruleset
        let automatic = state.sources.compactMap { $0.isBanned(now) ? $0 : nil }
            .sorted { $0.bannedSince < $1.bannedSince }.map { Self.value(banned: $0, ruleset) }
        try writePage("bans", manual + automatic, params, &result)
    }

    func listAllowed(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let now = Clock.now
        let entries = snapshot().addresses.allowed.filter { $0.holds(at: now) }.map { Self.value($0, rule: nil) }
        try writePage("allowed", entries, params, &result)
    }

    private func writePage(
        _ name: StaticString, _ entries: [JSONValue], _ params: Params, _ result: inout JSONWriter
    ) throws(RPCError) {
        let offset = try params.integer("offset", 0...Int(Int32.max), default: 0)
        let limit = try params.integer("limit", 1...10_000, default: 1000)
        result.beginObject()
        result.member(name, .array(Array(entries.dropFirst(offset).prefix(limit))))
        result.member("total", entries.count)
        result.endObject()
    }

    func addBan(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let entry = try entry(params)
        if try !params.bool("force") { try refuseProtected(entry.prefix) }
        try add(entry, to: .ban, &result)
        state.events.add(.banAdded(entry))
    }

    func addAllowed(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let entry = try entry(params)
        try add(entry, to: .allow, &result)
        state.events.add(.allowAdded(entry))
    }

    private func add(
        _ entry: AddressEntry, to list: AddressLists.List, _ result: inout JSONWriter
    ) throws(RPCError) {
        guard state.lists.add(entry, to: list) else {
            throw RPCError(
                code: RPCErrorCode.listFull, message: "The list is full",
                data: ["problem": .string("it holds \(AddressLists.limit) entries; remove some, or use prefixes")])
        }
        state.publishLists()
        result.value(Self.value(entry, rule: list == .ban ? "manual" : nil))
    }

    private func entry(_ params: Params) throws(RPCError) -> AddressEntry {
        let now = Clock.now
        return AddressEntry(
            prefix: try params.prefix("address"), since: now, until: try params.duration("duration").map { now + $0 },
            comment: try params.comment("comment"), by: try params.comment("by"))
    }

    /// Nobody locks out this machine, a proxy, an allowed address or himself by mistake.
    private func refuseProtected(_ prefix: Prefix) throws(RPCError) {
        let snapshot = snapshot()
        var standing = snapshot.addresses.protection(
            within: prefix, own: snapshot.policy.own, trustedProxies: snapshot.policy.trustedProxies, now: Clock.now
        ).rawValue
        if case .address(let text, _) = caller.peer, let address = IPAddress(text), prefix.contains(address) {
            standing = "caller"
        }
        guard standing != Standing.stranger.rawValue else { return }
        let names = [
            "own": "this machine's own", "trusted_proxy": "a trusted proxy's", "allow": "an allowed one",
            "caller": "yours",
        ]
        throw RPCError(
            code: RPCErrorCode.protectedAddress, message: "Protected address",
            data: [
                "address": .string(prefix.description), "protected": .string(standing),
                "problem": .string(
                    "an address in it is \(names[standing] ?? standing); with force it is banned all the same"),
            ])
    }

    func removeBan(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let prefix = try params.prefix("address")
        var removed = state.lists.remove(prefix, from: .ban)
        if removed { state.publishLists() }
        let (ruleset, now) = (snapshot().engine.ruleset, Clock.now)
        if prefix == ruleset.sources.prefix(of: prefix.first) || prefix.isSingleAddress {
            let key = ruleset.sources.key(of: prefix.first)
            if let record = state.sources.record(of: key), record.isBanned(now) {
                state.sources.withRecord(of: key, trust: ruleset.trust, now: now) { $0.bannedUntil = now }
                removed = true
            }
        }
        if removed {
            state.events.add(.banRemoved(prefix.description, by: try params.comment("by")))
            state.stateFile?.markChanged()
        }
        result.value(["removed": .bool(removed)])
    }

    func removeAllowed(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let prefix = try params.prefix("address")
        if snapshot().addresses.allowed.contains(where: { $0.prefix == prefix && $0.by == "policy" }) {
            throw .invalidParams("address", "stands in the policy file; remove it there and reload")
        }
        let removed = state.lists.remove(prefix, from: .allow)
        if removed {
            state.publishLists()
            state.events.add(.allowRemoved(prefix.description, by: try params.comment("by")))
        }
        result.value(["removed": .bool(removed)])
    }

    static func value(_ entry: AddressEntry, rule: String?) -> JSONValue {
        var value: JSONObject = [
            "address": .string(entry.prefix.description), "since": .string(Clock.text(of: entry.since)),
            "until": entry.until.map { .string(Clock.text(of: $0)) } ?? .null, "comment": .string(entry.comment),
            "by": .string(entry.by),
        ]
        if let rule { value["rule"] = .string(rule) }
        return .object(value)
    }

    static func value(banned record: SourceRecord, _ ruleset: Ruleset) -> JSONValue {
        [
            "address": .string(ruleset.sources.prefix(of: record.address).description),
            "since": .string(Clock.text(of: record.bannedSince)), "until": .string(Clock.text(of: record.bannedUntil)),
            "comment": .string(record.banCount > 1 ? "ban number \(record.banCount)" : ""), "by": "sipguardd",
            "rule": .string(ruleset.name(of: record.flood.rule) ?? "(no longer in the policy)"),
            "proven": .bool(record.isProven),
        ]
    }
}

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
        let (snapshot, now, onlyProven) = (snapshot(), Clock.now, try params.bool("proven"))
        let manual = snapshot.addresses.banned.entries.filter { $0.holds(at: now) }
        let ruleset = snapshot.engine.ruleset
        let automatic = state.sources.compactMap { $0.isBanned(now) && ($0.isProven || !onlyProven) ? $0 : nil }
            .sorted { ($0.bannedSince, $0.address) < ($1.bannedSince, $1.address) }
        try writePage("bans", manual.count + automatic.count, params, &result) { index in
            guard index >= manual.count else {
                let entry = manual[index]
                // Whoever bans by hand vouches for it.
                let members: JSONObject = ["proven": true, "remaining": Self.remaining(entry.until, now)]
                return Self.value(entry, rule: "manual").adding(members).adding(protection(of: entry.prefix, now))
            }
            let record = automatic[index - manual.count]
            return Self.value(banned: record, ruleset).adding(["remaining": Self.remaining(record.bannedUntil, now)])
                .adding(protection(of: ruleset.sources.prefix(of: record.address), now))
        }
    }

    /// Whole seconds until then; null for a ban without an end.
    private static func remaining(_ until: Instant?, _ now: Instant) -> JSONValue {
        until.map { .int(Int64(($0 - now).secondsRoundedUp)) } ?? .null
    }

    /// Whom a packet filter that dropped all of the prefix would hurt; null if nobody.
    private func protection(of prefix: Prefix, _ now: Instant) -> JSONObject {
        let snapshot = snapshot()
        let standing =
            prefix.isSingleAddress
            ? snapshot.addresses.standing(of: prefix.first, now: now)
            : snapshot.addresses.protection(within: prefix, now: now)?.standing ?? .stranger
        return ["protected": standing.isProtected ? .string(standing.rawValue) : .null]
    }

    func listAllowed(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let now = Clock.now
        let snapshot = snapshot()
        let lists = [snapshot.addresses.fixed, snapshot.addresses.named, snapshot.addresses.allowed]
        let entries = lists.flatMap(\.entries).filter { $0.holds(at: now) }
        let names = nameValues
        try writePage("allowed", entries.count, params, &result) {
            Self.value(entries[$0], rule: nil)
        } more: {
            $0.member("names", names)
        }
    }

    func writePage(
        _ name: StaticString, _ count: Int, _ params: Params, _ result: inout JSONWriter, _ entry: (Int) -> JSONValue,
        more: (inout JSONWriter) -> Void = { _ in }
    ) throws(RPCError) {
        let offset = try params.integer("offset", 0...Int(Int32.max), default: 0)
        let limit = try params.integer("limit", 1...10_000, default: 1000)
        result.beginObject()
        result.member(name, .array((0..<count).dropFirst(offset).prefix(limit).map(entry)))
        result.member("total", count)
        more(&result)
        result.endObject()
    }

    func addBan(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let entry = try entry(params)
        if try !params.bool("force") { try refuseLockout(by: entry.prefix, params) }
        try add(entry, to: .ban, &result)
        state.events.add(.banAdded(entry))
        state.announce(.banned, .banned(source: entry.prefix))
    }

    func addAllowed(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        if let name = try params.string("name") { return try addName(name, params, &result) }
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

    func removeBan(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let prefix = try params.prefix("address")
        let isListed = state.lists.remove(prefix, from: .ban)
        if isListed { state.publishLists() }
        let (isLifted, held) = liftBan(ofSource: prefix)
        if isListed || isLifted {
            state.events.add(.banRemoved(prefix.description, by: try params.comment("by")))
            state.stateFile?.markChanged()
        }
        result.value(["removed": .bool(isListed || isLifted), "held_by": held.map { .string($0.name) } ?? .null])
    }

    /// Ends what the policy has banned, if the prefix names one source; and the limit that holds for it all the same.
    private func liftBan(ofSource prefix: Prefix) -> (isLifted: Bool, held: LimitRule?) {
        let (snapshot, now) = (snapshot(), Clock.now)
        let ruleset = snapshot.engine.ruleset
        let key = ruleset.sources.key(of: prefix.first)
        guard prefix == ruleset.sources.prefix(of: prefix.first) || prefix.isSingleAddress,
            let record = state.sources.record(of: key)
        else { return (false, nil) }
        let isBanned = record.isBanned(now)
        if isBanned { state.sources.withRecord(of: key, trust: ruleset.trust, now: now) { $0.bannedUntil = now } }
        let isProtected = snapshot.addresses.standing(of: prefix.first, now: now).isProtected
        return (isBanned, isProtected ? nil : snapshot.engine.heldLimit(of: record, now: now))
    }

    func removeAllowed(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        if let name = try params.string("name") { return try removeName(name, params, &result) }
        let prefix = try params.prefix("address")
        if snapshot().addresses.fixed[prefix] != nil {
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
        if let name = entry.name { value["name"] = .string(name) }
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

extension JSONValue {
    /// The object with further members.
    fileprivate func adding(_ members: JSONObject) -> JSONValue {
        guard case .object(var object) = self else { return self }
        for member in members.members { object[member.key] = member.value }
        return .object(object)
    }
}

import JSON
import Policy
import RPC
import State

/// What is known of sources.
extension GuardSession {
    func showSource(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let address = try RequestParams.address("source", params.view("source"))
        let (snapshot, now) = (snapshot(), Clock.now)
        let ruleset = snapshot.engine.ruleset
        let key = ruleset.sources.key(of: address)
        let facts = try Self.facts(of: address, params)
        let found = state.sources.record(of: key)
        let record = found ?? SourceRecord(address: key, now: now)
        let standing = snapshot.addresses.standing(of: address, now: now)
        result.beginObject()
        result.member("source", address.description)
        result.member("key", ruleset.sources.prefix(of: address).slashed)
        result.member("known", found != nil)
        result.member("protected", standing == .stranger ? .null : .string(standing.rawValue))
        result.member("first_seen", found == nil ? .null : .string(Clock.text(of: record.firstSeen)))
        result.member("last_seen", found == nil ? .null : .string(Clock.text(of: record.lastSeen)))
        result.member("requests", record.requests)
        result.member("answers", record.answers)
        result.member("dropped", record.dropped)
        result.member("allowed_by", snapshot.addresses.allowance(of: address, now: now).map(Self.allowance) ?? .null)
        result.member("feeds", .array(snapshot.feeds(naming: address).map(JSONValue.string)))
        result.member("trust", trust(record, snapshot.engine, now))
        let levels = snapshot.engine.levels(for: facts, record, now: now)
        result.member("limits", .array(levels.compactMap { Self.value($0, facts) }))
        result.member("limits_need", Self.needs(levels))
        result.member("answer_budget", snapshot.engine.budgetLevel(of: record, now: now).map(Self.value) ?? .null)
        result.member(
            "failures",
            [
                "auth_failed": .int(Int64(record.authFailed)), "unknown_user": .int(Int64(record.unknownUser)),
                "challenged": .int(Int64(record.challenged)),
            ])
        result.member("treatment", Self.treatment(record, ruleset, state.incidents, now))
        result.member("ban", ban(on: address, record, snapshot, now))
        result.member("proven", record.isProven)
        result.member("last", Self.last(record, ruleset))
        result.endObject()
    }

    private static func allowance(_ entry: AddressEntry) -> JSONValue {
        [
            "address": .string("\(entry.prefix)"), "name": entry.name.map(JSONValue.string) ?? .null,
            "by": .string(entry.by), "comment": .string(entry.comment),
        ]
    }

    private func trust(_ record: SourceRecord, _ engine: Engine, _ now: Instant) -> JSONValue {
        let trust = engine.ruleset.trust
        let isTrusted = record.isTrusted(trust, now: now)
        return [
            "trusted": .bool(isTrusted), "auth_ok": .int(Int64(record.authOK)),
            "until": isTrusted ? .string(Clock.text(of: record.lastAuthOK + trust.hold)) : .null,
            "factor": .int(Int64(engine.trustFactor(of: record, now: now))),
        ]
    }

    static func treatment(
        _ record: SourceRecord, _ ruleset: Ruleset, _ incidents: IncidentTable, _ now: Instant
    ) -> JSONValue {
        let flood = record.flood
        guard let treatment = held(flood, ruleset, now) else { return .null }
        let incident = incidents.incident(number: flood.incident)?.id
        let next = nextAnswer(flood, treatment)
        return [
            "name": .string(treatment.name),
            "rule": .string(ruleset.name(of: flood.rule) ?? "(no longer in the policy)"),
            "tool": flood.hasMarks ? .string(ruleset.name(of: flood.tool) ?? "unknown") : .null,
            "incident": incident.map { .string($0.hexadecimal) } ?? .null,
            "since": .string(Clock.text(of: flood.since)),
            "until": .string(Clock.text(of: flood.lastMessage + treatment.hold)),
            "messages": .int(Int64(flood.messages)), "answers": .int(Int64(flood.answers)),
            "messages_after_answer": .int(Int64(flood.messagesAfterAnswer)), "step": .int(Int64(flood.rung) + 1),
            "next": .string(next.verdict.name), "stopped": .bool(now - flood.lastMessage > ruleset.quiet),
        ]
    }

    /// The treatment that a source is under.
    private static func held(_ flood: Flood, _ ruleset: Ruleset, _ now: Instant) -> Treatment? {
        guard flood.isPresent, let treatment = ruleset.treatment(flood.treatment),
            now - flood.lastMessage <= treatment.hold
        else { return nil }
        return treatment
    }

    /// The answer that a treatment has ready.
    static func nextAnswer(_ flood: Flood, _ treatment: Treatment) -> Answer {
        let rung = min(Int(flood.rung), treatment.ladder.count - 1)
        let isSpent = treatment.ladder[rung].times.map { flood.timesOnRung >= $0 } ?? false
        return treatment.ladder[isSpent ? min(rung + 1, treatment.ladder.count - 1) : rung].answer
    }

    private func ban(
        on address: IPAddress, _ record: SourceRecord, _ snapshot: Snapshot, _ now: Instant
    ) -> JSONValue {
        if let entry = snapshot.addresses.ban(on: address, now: now) { return Self.value(entry, rule: "manual") }
        return record.isBanned(now) ? Self.value(banned: record, snapshot.engine.ruleset) : .null
    }

    private static func last(_ record: SourceRecord, _ ruleset: Ruleset) -> JSONValue {
        guard record.last.id != 0 else { return .null }
        return [
            "decision": .string(record.last.id.hexadecimal),
            "rule": .string(ruleset.name(of: record.last.rule) ?? "(no longer in the policy)"),
            "verdict": .string(record.last.verdict.name), "at": .string(Clock.text(of: record.lastSeen)),
        ]
    }

    func forgetSource(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let address = try RequestParams.address("source", params.view("source"))
        let ruleset = snapshot().engine.ruleset
        let prefix = ruleset.sources.prefix(of: address)
        let record = state.sources.remove(ruleset.sources.key(of: address))
        if let flood = record?.flood, !flood.isSettled {
            state.totals.floods.withLock { $0.end(answers: flood.answers) }
        }
        let removed = [Prefix(address), prefix].map { state.lists.remove($0, from: .ban) }
        let manual = removed.contains(true)
        if manual { state.publishLists() }
        let wasBanned = record?.isBanned(Clock.now) ?? false
        if wasBanned { state.stateFile?.markChanged() }
        state.counters.forget(source: ruleset.sources.key(of: address), ruleset)
        state.announce(.forgotten, .forgotten(source: ruleset.sources.key(of: address)))
        state.events.add(.sourceForgotten(address.description))
        result.beginObject()
        result.member("forgotten", record != nil || manual)
        result.member("ban_removed", manual || wasBanned)
        result.endObject()
    }

    func showTop(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let by = try params.string("by") ?? "requests"
        guard let order = Self.orders[by] else {
            throw .invalidParams("by", "requests, answers or failures is allowed")
        }
        let limit = try params.integer("limit", 1...100, default: 10)
        let (ruleset, now) = (snapshot().engine.ruleset, Clock.now)
        let records = state.sources.compactMap { order($0) > 0 ? $0 : nil }
        let top = records.sorted { order($0) > order($1) }.prefix(limit)
        result.beginObject()
        result.member("by", by)
        result.key("sources")
        result.beginArray()
        for record in top { result.value(Self.summary(record, ruleset, now)) }
        result.endArray()
        result.endObject()
    }

    private static let orders: [String: @Sendable (SourceRecord) -> UInt32] = [
        "requests": \.requests, "answers": \.answers, "failures": \.failures,
    ]

    private static func summary(_ record: SourceRecord, _ ruleset: Ruleset, _ now: Instant) -> JSONValue {
        [
            "source": .string(record.address.description), "requests": .int(Int64(record.requests)),
            "answers": .int(Int64(record.answers)), "dropped": .int(Int64(record.dropped)),
            "failures": .int(Int64(record.failures)), "trusted": .bool(record.isTrusted(ruleset.trust, now: now)),
            "banned": .bool(record.isBanned(now)), "last_seen": .string(Clock.text(of: record.lastSeen)),
            "treatment": held(record.flood, ruleset, now).map { .string($0.name) } ?? .null,
        ]
    }
}

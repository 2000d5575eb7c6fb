import JSON
import Policy
import RPC
import State

/// Attacks, from the first message to the last.
extension GuardSession {
    func listIncidents(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let (now, quiet) = (Clock.now, snapshot().engine.ruleset.quiet)
        let onlyActive = try params.bool("active")
        let incidents = state.incidents.incidents.filter { !onlyActive || $0.isActive(at: now, quiet) }
        try writePage("incidents", incidents.count, params, &result) {
            .object(Self.value(incidents[$0], now, quiet))
        }
    }

    func showIncident(_ params: Params, _ result: inout JSONWriter) throws(RPCError) {
        let text = try params.needed("incident")
        guard let id = UInt64(text, radix: 16), let incident = state.incidents.incident(id: id) else {
            throw .invalidParams("incident", "is not known; incident.list tells those that are remembered")
        }
        let (now, ruleset) = (Clock.now, snapshot().engine.ruleset)
        var value = Self.value(incident, now, ruleset.quiet)
        value["source_list"] = .array(sources(of: incident, ruleset, now))
        result.value(.object(value))
    }

    /// Those of its sources that are still known, the loudest first; of the others the address alone.
    private func sources(of incident: Incident, _ ruleset: Ruleset, _ now: Instant) -> [JSONValue] {
        let number = incident.number
        let records = state.sources.compactMap { $0.flood.incident == number ? $0 : nil }
            .sorted { ($0.flood.messages, $1.address) > ($1.flood.messages, $0.address) }.prefix(100)
        let known = Set(records.map(\.address))
        let gone = incident.firstSources.filter { !known.contains($0) }
        return records.map { record in
            [
                "source": .string(ruleset.sources.prefix(of: record.address).description),
                "messages": .int(Int64(record.flood.messages)), "answers": .int(Int64(record.flood.answers)),
                "messages_after_answer": .int(Int64(record.flood.messagesAfterAnswer)),
                "banned": .bool(record.isBanned(now)),
                "last_message": .string(Clock.text(of: record.flood.lastMessage)),
            ]
        } + gone.map { ["source": .string(ruleset.sources.prefix(of: $0).description)] }
    }

    private static func value(_ incident: Incident, _ now: Instant, _ quiet: Duration) -> JSONObject {
        let isActive = incident.isActive(at: now, quiet)
        return [
            "incident": .string(incident.id.hexadecimal), "status": .string(isActive ? "active" : "silent"),
            "rule": .string(incident.subject.rule), "tool": incident.subject.tool.map { .string($0) } ?? .null,
            "purpose": .string(incident.subject.purpose.rawValue), "treatment": .string(incident.subject.treatment),
            "step": .int(Int64(incident.rung) + 1), "shadow": .bool(incident.subject.isShadow),
            "target": incident.subject.target.map { .string($0) } ?? .null,
            "sources": .int(Int64(incident.sources)),
            "first_source": incident.firstSources.first.map { .string($0.description) } ?? .null,
            "since": .string(Clock.text(of: incident.since)),
            "last_message": .string(Clock.text(of: incident.lastMessage)),
            "seconds_to_silence": isActive ? .null : .int(Int64(incident.duration.secondsRoundedUp)),
            "messages_before": number(incident.messagesBefore), "messages": number(incident.messages),
            "answers": number(incident.answers), "messages_after_answer": number(incident.messagesAfterAnswer),
            "bans": .int(Int64(incident.bans)),
        ]
    }

    /// What `stats.get` says of those that are remembered.
    var incidents: JSONValue {
        let (now, quiet) = (Clock.now, snapshot().engine.ruleset.quiet)
        let all = state.incidents.incidents
        let silent = all.filter { !$0.isActive(at: now, quiet) }
        return [
            "seen": .int(Int64(state.incidents.count)), "active": .int(Int64(all.count - silent.count)),
            "silent": .int(Int64(silent.count)), "median_answers": Self.median(silent.map(\.answers)),
            "median_messages_before": Self.median(silent.map(\.messagesBefore)),
            "median_messages_after_answer": Self.median(silent.map(\.messagesAfterAnswer)),
            "median_seconds_to_silence": Self.median(silent.map { UInt64($0.duration.secondsRoundedUp) }),
        ]
    }

    private static func median(_ values: [UInt64]) -> JSONValue {
        values.isEmpty ? .null : number(values.sorted()[values.count / 2])
    }
}

extension Incident {
    /// Whether a message came within the policy's quiet time.
    fileprivate func isActive(at now: Instant, _ quiet: Duration) -> Bool { now - lastMessage <= quiet }
}

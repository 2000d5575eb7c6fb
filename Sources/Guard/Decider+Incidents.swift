import Policy
import State

/// From floods, which are each source's own, to incidents, which are what an operator wants to read about.
extension Decider {
    /// Counts a request for the incident that it belongs to, which may begin with it.
    func follow(
        _ decision: Decision, _ facts: RequestFacts, id: UInt64, before: FloodStanding, record: inout SourceRecord,
        _ ruleset: Ruleset, now: Instant
    ) {
        if decision.events.contains(.floodBegan) {
            begin(facts, id: id, previous: before.incident, counted: facts.count, &record, ruleset, now)
        }
        // A ban goes on with the incident that led to it.
        guard decision.isTreated || decision.ruleID == Self.ban else { return }
        let isBegun = decision.events.contains(.floodBegan)
        state.incidents.count(
            record.flood.incident, messages: facts.count, answers: decision.answer.isSent ? facts.count : 0,
            afterAnswer: before.hasAnswer && !isBegun, rung: record.flood.rung, now: now)
        if decision.events.contains(.banned) { state.incidents.countBan(record.flood.incident) }
    }

    private static let ban = NameID(RuleName.ban)

    /// `counted`: how many of the source's requests count for the incident itself, the one at hand.
    func begin(
        _ facts: RequestFacts, id: UInt64, previous: UInt32, counted: Int, _ record: inout SourceRecord,
        _ ruleset: Ruleset, _ now: Instant
    ) {
        let flood = record.flood
        let earlier = (record.requests &- record.requestsAtRest).subtractingReportingOverflow(UInt32(clamping: counted))
        let joined = state.incidents.join(
            Self.key(flood, facts, record.address, ruleset), source: record.address,
            before: earlier.overflow ? 0 : earlier.partialValue, previous: previous, id: id, now: now
        ) { Self.subject(flood, facts, ruleset) }
        record.flood.incident = joined.number
        if joined.isNew {
            let treatment = ruleset.name(of: flood.treatment) ?? ""
            state.events.add(
                .attackRecognised(
                    id: id, source: record.address, rule: ruleset.name(of: flood.rule) ?? "", treatment: treatment))
        }
    }

    /// One tool or one target over many sources is one incident.
    private static func key(
        _ flood: Flood, _ facts: RequestFacts, _ source: IPAddress, _ ruleset: Ruleset
    ) -> IncidentKey {
        if flood.hasMarks { return flood.tool == unknownTool ? .rule(flood.rule) : .tool(flood.tool) }
        guard let user = target(flood, facts, ruleset) else { return .source(flood.rule, source) }
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(user))
        return .target(flood.rule, hasher.finalize())
    }

    private static let unknownTool = NameID(Signature.noTool)

    /// The user that a limit counts for, whoever the sources are.
    private static func target(_ flood: Flood, _ facts: RequestFacts, _ ruleset: Ruleset) -> Bytes? {
        guard let limit = ruleset.limits.first(where: { $0.id == flood.rule }), facts.user.isKnown,
            limit.scope.parts.contains(.user), !limit.scope.parts.contains(.source)
        else { return nil }
        return facts.user
    }

    private static func subject(_ flood: Flood, _ facts: RequestFacts, _ ruleset: Ruleset) -> Incident.Subject {
        let purpose =
            ruleset.signatures.first { $0.id == flood.rule }?.purpose
            ?? ruleset.limits.first { $0.id == flood.rule }?.purpose
        return Incident.Subject(
            rule: ruleset.name(of: flood.rule) ?? "", tool: flood.hasMarks ? ruleset.name(of: flood.tool) : nil,
            purpose: purpose ?? .scan, treatment: ruleset.name(of: flood.treatment) ?? "",
            target: target(flood, facts, ruleset).map { String($0.text.prefix(64)) },
            isShadow: ruleset.mode != .enforce)
    }
}

/// Where a source's flood stood before a request.
struct FloodStanding {
    let incident: UInt32
    let hasAnswer: Bool

    init(_ flood: Flood) { (incident, hasAnswer) = (flood.incident, flood.isPresent && flood.answers > 0) }
}

/// What became of a request, as the proxy reports it.
public enum Outcome: String, CaseIterable, Sendable {
    case authOK = "auth_ok"
    case authFailed = "auth_failed"
    case unknownUser = "unknown_user"
    case challenged, accepted, rejected
    /// Met with silence under a lease; see `Engine.dropped`.
    case dropped
}

extension Engine {
    /// Takes a report: trust is earned and failures are counted. The decision says what the report began; its answer
    /// is for nobody.
    public func report(
        _ outcome: Outcome, _ facts: RequestFacts, record: inout SourceRecord, standing: Standing, now: Instant
    ) -> Decision {
        record.lastSeen = now
        if outcome != .dropped { record.hasBeenAnswered = true }
        var decision = Decision()
        switch outcome {
        case .authOK:
            record.authOK.add(facts.count)
            record.lastAuthOK = now
            if earn(facts, at: record.address, now) { countLogin(&record) }
        case .authFailed:
            record.authFailed.add(facts.count)
            failed(outcome, facts, &record, standing, now, &decision)
        case .unknownUser:
            record.unknownUser.add(facts.count)
            close(facts, record, now)
            failed(outcome, facts, &record, standing, now, &decision)
        case .challenged: record.challenged.add(facts.count)
        case .accepted, .rejected, .dropped: break
        }
        return decision
    }

    private func failed(
        _ outcome: Outcome, _ facts: RequestFacts, _ record: inout SourceRecord, _ standing: Standing, _ now: Instant,
        _ decision: inout Decision
    ) {
        guard !standing.isProtected, ruleset.mode != .off else { return }
        if facts.provesSource, record.flood.isPresent { record.isProven = true }
        let credit = ruleset.trust.credit(for: record.lastAuthOK, now: now)
        let method = MethodSet(facts[.method])
        for place in ruleset.reportLimits where place.concerns(method) {
            let rule = ruleset.limits[place.index]
            guard rule.event.counts(outcome), meter(rule, facts, credit, now) != .conforms else { continue }
            decision.hits.addLimit(place.index)
            guard rule.mode == .enforce else { continue }
            let cause = cause(of: rule, credit)
            if rule.scope.has(.user), cause.isNarrow || !rule.scope.has(.source) { holdUser(rule, facts, now) }
            if hasTreatment(record, now) || isOnProbation(facts, record, now) {
                goOn(cause, &record, now)
            } else {
                start(cause, facts, &record, now, &decision)
            }
        }
    }

    /// A treatment goes on, be it that those are failing whom it has let in.
    private func goOn(_ cause: Cause, _ record: inout SourceRecord, _ now: Instant) {
        if !hasTreatment(record, now) {
            record.flood.lastMessage = now
            record.flood.rung = ruleset.treatment(record.flood.treatment)?.lastRung ?? 0
        }
        // Nobody is safe from this by sending a tool's marks between his attempts.
        if !cause.isNarrow { record.flood.behaviour = cause.ruleID }
    }

    private func isOnProbation(_ facts: RequestFacts, _ record: SourceRecord, _ now: Instant) -> Bool {
        ruleset.probation != nil && sourceHold(facts, record, now)?.isOfFailures ?? false
    }

    func hasTreatment(_ record: SourceRecord, _ now: Instant) -> Bool {
        record.flood.isPresent && now - record.flood.lastMessage <= ruleset.quiet
    }

    /// Begins a treatment whose first answer goes to the source's next request.
    private func start(
        _ cause: Cause, _ facts: RequestFacts, _ record: inout SourceRecord, _ now: Instant, _ decision: inout Decision
    ) {
        if settle(&record.flood) {
            decision.endedFloodAnswers = record.flood.answers
            decision.events.insert(.floodEnded)
        }
        var flood = Flood()
        flood.treatment = treatment(for: cause, method: facts[.method], answered: true).id
        if !cause.isNarrow { flood.behaviour = cause.ruleID }
        (flood.rule, flood.since, flood.lastMessage, flood.isSettled) = (cause.ruleID, now, now, false)
        record.flood = flood
        record.isProven = facts.provesSource
        decision.rule = cause.rule
        decision.events.insert(.floodBegan)
    }

    /// The counters that are kept for a source alone. Those for its users and sets are many, and run out by themselves.
    public static func counterKeys(of source: IPAddress, _ ruleset: Ruleset) -> [CounterKey] {
        let limits = ruleset.limits.filter { $0.scope.parts == [.source] }.map { rule in
            rule.scope.key(rule.id, RequestFacts(source: source), grouping: ruleset.sources)
        }
        return limits + [.budget(of: source)]
    }
}

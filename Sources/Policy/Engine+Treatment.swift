/// How a request is met that is part of an attack.
enum Manner {
    /// With the answer that is due.
    case ladder
    /// With nothing; `excused`: it is no step towards a ban.
    case silence(excused: Bool)
}

extension Engine {
    /// The treatment for an attacker: the first of the policy that fits; the last fits everybody.
    func treatment(for cause: Cause, method: Bytes, answered: Bool) -> Treatment {
        for treatment in ruleset.treatments where treatment.indication.fits(cause, method: method, answered: answered) {
            return treatment
        }
        return ruleset.treatments[ruleset.treatments.count - 1]
    }

    /// Answers a request that is part of an attack, and moves the source's treatment on.
    func treat(
        _ cause: Cause, _ facts: RequestFacts, _ record: inout SourceRecord, _ isProtected: Bool, _ now: Instant,
        _ trace: inout Trace?, _ decision: inout Decision, _ manner: Manner
    ) {
        decision.decide(.drop, rule: cause.rule, id: cause.ruleID)
        decision.isTreated = true
        begin(cause, facts[.method], &record, now, &decision)
        if facts.provesSource { record.isProven = true }
        let treatment = ruleset.treatment(record.flood.treatment) ?? ruleset.treatments[0]
        record.flood.lastMessage = now
        record.flood.messages.add(facts.count)
        if record.flood.answers > 0 { record.flood.messagesAfterAnswer.add(facts.count) }
        if case .silence(let isExcused) = manner {
            // What follows is no longer the flood that was to be answered.
            if record.flood.messages == UInt32(clamping: facts.count) { record.flood.rung = treatment.lastRung }
            if isExcused { record.flood.excuse(facts.count) }
        } else {
            decision.answer = climb(treatment, &record.flood, facts.count)
        }
        trace?.add(
            "treatment \(treatment.name)",
            "rung \(record.flood.rung + 1) of \(treatment.ladder.count), time \(record.flood.timesOnRung): "
                + "\(decision.answer.verdict.name); message \(record.flood.messages) of \(cause.rule)")
        spend(&decision, facts, &record, now, &trace)
        // Volume alone never bans: it may be an office that comes back after a power cut.
        let mayBan = !isProtected && cause.purpose != .flood && ruleset.mode == .enforce
        if mayBan, record.flood.isDue(after: ruleset.ban.afterMessages) {
            ban(&record, now)
            decision.events.insert(.banned)
            trace?.add("ban", "\(record.flood.messages) messages in spite of the treatment")
        }
    }

    /// Goes on with the treatment at hand, or begins one: after a quiet time, for another tool, or at first sight.
    private func begin(
        _ cause: Cause, _ method: Bytes, _ record: inout SourceRecord, _ now: Instant, _ decision: inout Decision
    ) {
        if record.flood.isPresent, now - record.flood.lastMessage > ruleset.quiet {
            if settle(&record.flood) {
                decision.endedFloodAnswers = record.flood.answers
                decision.events.insert(.floodEnded)
            }
            // Marks begin another flood, but end nothing of what is held against the source's behaviour.
            let behaviour = heldBehaviour(record.flood, method, now)?.id ?? .none
            let logins = record.flood.logins
            record.flood = Flood()
            record.flood.behaviour = behaviour
            if behaviour != .none { record.flood.logins = logins }
        }
        let isNew = !record.flood.isPresent
        let isAnotherTool = cause.toolID != .none && cause.toolID != record.flood.tool
        guard isNew || isAnotherTool || ruleset.treatment(record.flood.treatment) == nil else { return }
        let answered = record.answers > 0 || record.hasBeenAnswered
        let choice = treatment(for: cause, method: method, answered: answered)
        if choice.id != record.flood.treatment { (record.flood.rung, record.flood.timesOnRung) = (0, 0) }
        record.flood.treatment = choice.id
        (record.flood.rule, record.flood.tool) = (cause.ruleID, cause.toolID)
        if isNew {
            if cause.toolID == .none, !cause.isNarrow { record.flood.behaviour = cause.ruleID }
            (record.flood.since, record.flood.isSettled) = (now, false)
            record.isProven = false
            decision.events.insert(.floodBegan)
        }
    }

    /// The limit whose treatment goes on for all that the source sends, for as long as that treatment holds: marks may have
    /// changed the present one, but not the time.
    func heldBehaviour(_ flood: Flood, _ method: Bytes, _ now: Instant) -> LimitRule? {
        guard flood.behaviour != .none,
            let limit = ruleset.limits.first(where: { $0.id == flood.behaviour && $0.mode == .enforce })
        else { return nil }
        let own = treatment(for: Cause(limit), method: method, answered: true)
        return now - flood.lastMessage <= own.hold ? limit : nil
    }

    /// Marks a flood as over; whether it was not so before.
    public func settle(_ flood: inout Flood) -> Bool {
        defer { flood.isSettled = true }
        return !flood.isSettled
    }

    /// The answer of the present rung, or of the next one when this has been tried often enough.
    private func climb(_ treatment: Treatment, _ flood: inout Flood, _ count: Int) -> Answer {
        var rung = min(Int(flood.rung), treatment.ladder.count - 1)
        while rung + 1 < treatment.ladder.count, let times = treatment.ladder[rung].times, flood.timesOnRung >= times {
            rung += 1
            flood.timesOnRung = 0
        }
        flood.rung = UInt8(clamping: rung)
        flood.timesOnRung.add(count)
        return treatment.ladder[rung].answer
    }

    /// Takes an answer from the budgets; where one is spent, silence.
    private func spend(
        _ decision: inout Decision, _ facts: RequestFacts, _ record: inout SourceRecord, _ now: Instant,
        _ trace: inout Trace?
    ) {
        guard decision.answer.isSent else { return }
        // Nothing answers an ACK (RFC 3261 section 17.1.1.3).
        guard !facts[.method].equals(lowercase: "ack") else {
            decision.answer = .drop
            return
        }
        let before = trace == nil ? "" : budgets(of: record, now)
        let ours = store.take(
            .budget(of: record.address), limit: ruleset.budget.perSource, count: facts.count, now: now)
        let total = store.take(
            CounterKey(rule: .totalBudget), limit: ruleset.budget.total, count: facts.count, now: now)
        if ours != .conforms { decision.events.insert(.sourceBudgetSpent) }
        if total != .conforms { decision.events.insert(.totalBudgetSpent) }
        guard ours == .conforms, total == .conforms else {
            trace?.add(
                "answer budget", (ours == .conforms ? "of all sources" : "of this source") + " is spent: " + before)
            decision.answer = .drop
            return
        }
        trace?.add("answer budget", before)
        record.flood.answers.add(facts.count)
    }

    /// Bans the source, longer each time, never long without proof that it is who it says.
    func ban(_ record: inout SourceRecord, _ now: Instant) {
        if now - record.bannedUntil > ruleset.ban.decay { record.banCount = 0 }
        let length = ruleset.ban.duration(after: Int(record.banCount), isProven: record.isProven)
        (record.bannedSince, record.bannedUntil) = (now, now + length)
        if record.banCount < .max { record.banCount += 1 }
        (record.flood.messages, record.flood.excused) = (0, 0)
    }
}

extension NameID {
    /// Reserved keys of the engine's own counters; a policy's names begin with a letter or digit.
    static let sourceBudget = NameID("-source-budget")
    static let totalBudget = NameID("-total-budget")
    static let trustedUser = NameID("-trusted-user")
    static let trustedCaller = NameID("-trusted-caller")
}

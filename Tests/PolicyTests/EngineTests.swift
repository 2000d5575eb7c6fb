import Testing

@testable import Policy

/// A small policy: one certain mark, two that add up, limits on failures and volume.
private func ruleset(
    mode: Mode = .enforce, signatureMode: Mode = .enforce, limitMode: Mode = .enforce,
    perSource: RateLimit = RateLimit(events: 100, per: .seconds(60)),
    total: RateLimit = RateLimit(events: 1000, per: .seconds(1))
) -> Ruleset {
    func agent(_ name: String, _ text: String, _ tool: String, _ weight: Int) -> Signature {
        Signature(
            name: name, tool: tool, purpose: .scan, weight: weight, mode: signatureMode,
            conditions: [Condition(fields: [.userAgent], matcher: .contains([Array(text.utf8)]))])
    }
    func treatment(_ name: String, tools: [String] = [], purposes: Set<Purpose> = [], _ ladder: [Rung]) -> Treatment {
        let indication = Indication(
            tools: Set(tools.map { NameID($0) }), purposes: purposes, methods: [], answered: nil)
        return Treatment(name: name, indication: indication, ladder: ladder, hold: .seconds(600))
    }
    return Ruleset(
        mode: mode, sources: PrefixLengths(v4: 32, v6: 64), trust: Trust(hold: .seconds(3600), factor: 10),
        threshold: 100,
        signatures: [
            agent("certain", "friendly-scanner", "svwar", 100), agent("half-a", "sus", "odd", 60),
            agent("half-b", "pect", "odd", 40),
        ],
        limits: [
            LimitRule(
                name: "tries", mode: limitMode, scope: CounterScope(parts: [.source]), event: .usersTried,
                limit: RateLimit(events: 3, per: .seconds(600)), trustFactor: 10, purpose: .enumeration),
            LimitRule(
                name: "guesses", mode: limitMode, scope: CounterScope(parts: [.source]), event: .authFailed,
                limit: RateLimit(events: 5, per: .seconds(600)), trustFactor: 10, purpose: .cracking),
            LimitRule(
                name: "volume", mode: limitMode, scope: CounterScope(parts: [.source]), event: .requests,
                limit: RateLimit(events: 50, per: .seconds(10)), trustFactor: 10, purpose: .flood),
        ],
        treatments: [
            treatment(
                "disarm", tools: ["svwar"], [Rung(answer: .disarm200, times: 2), Rung(answer: .drop, times: nil)]),
            treatment(
                "busy", purposes: [.flood],
                [Rung(answer: .reject(code: 503, reason: "Busy"), times: 2), Rung(answer: .drop, times: nil)]),
            treatment("rest", [Rung(answer: .drop, times: nil)]),
        ],
        budget: AnswerBudget(perSource: perSource, total: total),
        ban: BanPolicy(
            afterMessages: 20, first: .seconds(600), factor: 4, most: .seconds(86400), mostUnproven: .seconds(900),
            decay: .seconds(86400), answer: .drop),
        addresses: AddressPolicy(own: [], trustedProxies: [], allow: []), quiet: .seconds(10))
}

/// An engine, one source's record and a clock that only the test moves.
private struct Bench {
    var engine: Engine
    var record = SourceRecord(address: IPAddress("198.51.100.7")!, now: .seconds(0))
    var now = Instant.seconds(0)
    var standing = Standing.stranger
    var trace: Trace?

    init(_ ruleset: Ruleset = ruleset()) { engine = Engine(ruleset: ruleset, store: DictionaryStore()) }

    mutating func check(
        agent: String? = nil, user: String? = nil, method: String = "REGISTER", transport: Transport = .udp,
        count: Int = 1, ban: AddressEntry? = nil
    ) -> Decision {
        var texts: [Field: String] = [.method: method]
        texts[.userAgent] = agent
        texts[.fromUser] = user
        return withFacts(texts, transport: transport) { facts in
            var facts = facts
            facts.count = count
            return engine.check(facts, record: &record, standing: standing, ban: ban, now: now, trace: &trace)
        }
    }

    @discardableResult mutating func report(_ outcome: Outcome, user: String? = nil) -> Decision {
        var texts: [Field: String] = [:]
        texts[.fromUser] = user
        return withFacts(texts) { engine.report(outcome, $0, record: &record, standing: standing, now: now) }
    }
}

@Suite struct EngineTests {
    @Test func passesWhatNothingSpeaksAgainst() {
        var bench = Bench()
        let decision = bench.check(agent: "Yealink SIP-T46S", user: "1001")
        #expect(decision.answer == .pass && decision.rule == "default" && decision.shadow == nil)
    }

    @Test func answersAMarkedRequestAtOnce() {
        var bench = Bench()
        let decision = bench.check(agent: "Friendly-Scanner")
        #expect(decision.answer == .disarm200 && decision.rule == "certain")
        #expect(decision.events == [.floodBegan])
    }

    @Test(arguments: [("sus", Answer.pass), ("pect", .pass), ("suspect", .drop)])
    func marksAddUp(agent: String, answer: Answer) {
        var bench = Bench()
        #expect(bench.check(agent: agent).answer == answer)
    }

    @Test func climbsTheLadderWhenAnswersHaveNoEffect() {
        var bench = Bench()
        let answers = (0..<5).map { _ in bench.check(agent: "friendly-scanner").answer }
        #expect(answers == [.disarm200, .disarm200, .drop, .drop, .drop])
        #expect(bench.record.flood.messagesAfterAnswer == 4 && bench.record.flood.answers == 2)
    }

    @Test func beginsANewFloodAfterAQuietTime() {
        var bench = Bench()
        for _ in 0..<3 { _ = bench.check(agent: "friendly-scanner") }
        bench.now = .seconds(10.5)
        let decision = bench.check(agent: "friendly-scanner")
        #expect(decision.answer == .disarm200)
        #expect(decision.events == [.floodBegan, .floodEnded] && decision.endedFloodAnswers == 2)
    }

    @Test func othersBehindTheSameAddressAreNotTreatedForAMarkedRequest() {
        var bench = Bench()
        _ = bench.check(agent: "friendly-scanner")
        #expect(bench.check(agent: "Yealink", user: "1001").answer == .pass)
    }

    @Test func bansASourceThatDoesNotStopAndLongerEachTime() {
        var bench = Bench()
        var banned: [Double] = []
        for _ in 0..<3 {
            while !bench.record.isBanned(bench.now) { _ = bench.check(agent: "friendly-scanner", transport: .tcp) }
            banned.append(Double((bench.record.bannedUntil - bench.now).microseconds) / 1e6)
            #expect(bench.check(agent: "Yealink").rule == "ban")
            bench.now = bench.record.bannedUntil
        }
        #expect(banned == [600, 2400, 9600])
    }

    @Test func neverBansForLongOnUDPAlone() {
        var bench = Bench()
        for _ in 0..<6 {
            while !bench.record.isBanned(bench.now) { _ = bench.check(agent: "friendly-scanner") }
            #expect(bench.record.bannedUntil - bench.now <= .seconds(900))
            bench.now = bench.record.bannedUntil
        }
        #expect(bench.record.banCount == 6)
    }

    @Test func proofOfAnEarlierDayIsNoProofOfThisFlood() {
        var bench = Bench()
        _ = bench.check(agent: "friendly-scanner", transport: .tcp)
        #expect(bench.record.isProven)
        _ = bench.check(agent: "Yealink", transport: .tcp)
        bench.now = .seconds(60)
        for _ in 0..<3 {
            while !bench.record.isBanned(bench.now) { _ = bench.check(agent: "friendly-scanner") }
            #expect(!bench.record.isProven && bench.record.bannedUntil - bench.now <= .seconds(900))
            bench.now = bench.record.bannedUntil
        }
    }

    @Test(arguments: [Standing.own, .trustedProxy])
    func aProtectedSourceIsAnsweredForItsMarksOnlyAndNeverBanned(standing: Standing) {
        var bench = Bench()
        bench.standing = standing
        for _ in 0..<200 { #expect(bench.check(agent: "friendly-scanner").answer != .pass) }
        for _ in 0..<200 { bench.report(.authFailed, user: "1001") }
        for _ in 0..<200 { #expect(bench.check(agent: "Asterisk PBX").answer == .pass) }
        #expect(!bench.record.isBanned(bench.now))
    }

    @Test func theAllowListPassesEverything() {
        var bench = Bench()
        bench.standing = .allow
        #expect(bench.check(agent: "friendly-scanner").rule == "allow")
    }

    @Test func aManualBanHoldsForAnOwnAddressToo() throws {
        var bench = Bench()
        bench.standing = .own
        let ban = AddressEntry(
            prefix: try #require(Prefix("198.51.100.0/24")), since: bench.now, until: nil, comment: "", by: "test")
        #expect(bench.check(ban: ban).answer == .drop)
        bench.standing = .allow
        #expect(bench.check(ban: ban).answer == .pass)
    }

    @Test func triedUsersCountOnceEach() {
        var bench = Bench()
        for _ in 0..<50 { #expect(bench.report(.unknownUser, user: "100").events.isEmpty) }
        for user in ["101", "102"] { #expect(bench.report(.unknownUser, user: user).events.isEmpty) }
        #expect(bench.report(.unknownUser, user: "103").events == [.floodBegan])
        #expect(bench.check(agent: "Nice Phone").answer == .drop)
        #expect(bench.check(agent: "Nice Phone").rule == "tries")
    }

    @Test func aChallengeIsNoFailure() {
        var bench = Bench()
        for user in 0..<500 { bench.report(.challenged, user: "\(user)") }
        #expect(bench.check(user: "1").answer == .pass)
    }

    @Test func aTreatmentForBehaviourHoldsUntilItsTimeIsOver() {
        var bench = Bench()
        for _ in 0..<6 { bench.report(.authFailed, user: "100") }
        #expect(bench.check(user: "100").rule == "guesses")
        bench.now = .seconds(500)
        #expect(bench.check(user: "100").rule == "guesses")
        bench.now = .seconds(1101)
        #expect(bench.check(user: "100").answer == .pass)
    }

    @Test func marksSentInBetweenDoNotEndATreatmentForBehaviour() {
        var bench = Bench()
        for _ in 0..<6 { bench.report(.authFailed, user: "1001") }
        #expect(bench.check(user: "1001").answer == .drop)
        #expect(bench.check(agent: "friendly-scanner").answer == .disarm200)
        #expect(bench.check(user: "1001").answer != .pass)
    }

    @Test func marksSentBeforeDoNotKeepATreatmentForBehaviourAway() {
        var bench = Bench()
        #expect(bench.check(agent: "friendly-scanner").answer == .disarm200)
        #expect(bench.check(user: "1001").answer == .pass)
        for _ in 0..<6 { bench.report(.authFailed, user: "1001") }
        #expect(bench.check(user: "1001").answer != .pass)
    }

    @Test func aTrustedSourceHasTenTimesTheLimit() {
        var bench = Bench()
        bench.report(.authOK, user: "1001")
        for _ in 0..<50 { bench.report(.authFailed, user: "1002") }
        #expect(bench.check(user: "1002").answer == .pass)
        bench.report(.authFailed, user: "1002")
        #expect(bench.check(user: "1002").answer == .drop)
        #expect(bench.check(user: "1001").answer == .pass, "a trusted user is not treated for another one's guesses")
    }

    @Test func trustEnds() {
        var bench = Bench()
        bench.report(.authOK, user: "1001")
        bench.now = .seconds(3601)
        for _ in 0..<6 { bench.report(.authFailed, user: "1001") }
        #expect(bench.check(user: "1001").answer == .drop)
    }

    @Test func aTrustedSourceIsNeverBanned() {
        var bench = Bench()
        bench.report(.authOK, user: "1001")
        for _ in 0..<500 { _ = bench.check(agent: "friendly-scanner") }
        #expect(!bench.record.isBanned(bench.now))
        #expect(bench.check(user: "1001").answer == .pass)
    }

    @Test func volumeIsLimitedExactlyAndSaysWhenToComeAgain() {
        var bench = Bench()
        for _ in 0..<50 { #expect(bench.check().answer == .pass) }
        let decision = bench.check()
        #expect(decision.answer == .reject(code: 503, reason: "Busy") && decision.rule == "volume")
        #expect(decision.retryAfter == .milliseconds(200))
    }

    @Test func volumeAloneNeverBans() {
        var bench = Bench()
        for _ in 0..<500 { _ = bench.check() }
        #expect(!bench.record.isBanned(bench.now))
    }

    @Test func aRequestMayStandForMany() {
        var bench = Bench()
        #expect(bench.check(count: 50).answer == .pass)
        #expect(bench.check().rule == "volume")
        #expect(bench.record.requests == 51)
    }

    @Test func silenceFollowsWhenTheSourcesBudgetIsSpent() {
        var bench = Bench(ruleset(perSource: RateLimit(events: 1, per: .seconds(60))))
        #expect(bench.check(agent: "friendly-scanner").answer == .disarm200)
        let decision = bench.check(agent: "friendly-scanner")
        #expect(decision.answer == .drop && decision.events == [.sourceBudgetSpent])
    }

    @Test func silenceFollowsWhenTheBudgetOfAllIsSpent() {
        var bench = Bench(ruleset(total: RateLimit(events: 1, per: .seconds(60))))
        _ = bench.check(agent: "friendly-scanner")
        let decision = bench.check(agent: "friendly-scanner")
        #expect(decision.answer == .drop && decision.events == [.totalBudgetSpent])
    }

    @Test func neverAnswersAnACK() {
        var bench = Bench()
        #expect(bench.check(agent: "friendly-scanner", method: "ACK").answer == .drop)
    }

    @Test func aSignatureInShadowModeOnlySaysWhatItWouldHaveDone() {
        var bench = Bench(ruleset(signatureMode: .shadow))
        let decision = bench.check(agent: "friendly-scanner")
        #expect(decision.answer == .pass)
        #expect(decision.shadow?.rule == "certain" && decision.shadow?.verdict == .ok200)
        var hits: [Int] = []
        decision.hits.forEachSignature { hits.append($0) }
        #expect(hits == [0])
    }

    @Test func aLimitInShadowModeOnlySaysWhatItWouldHaveDone() {
        var bench = Bench(ruleset(limitMode: .shadow))
        for _ in 0..<50 { #expect(bench.check().shadow == nil) }
        let decision = bench.check()
        #expect(decision.answer == .pass && decision.shadow?.rule == "volume")
        for _ in 0..<100 { bench.report(.authFailed, user: "100") }
        #expect(!bench.record.flood.isPresent)
    }

    @Test func aPolicyInShadowModePassesEverythingAndBansNobody() {
        var bench = Bench(ruleset(mode: .shadow))
        for _ in 0..<100 {
            let decision = bench.check(agent: "friendly-scanner")
            #expect(decision.answer == .pass && decision.shadow?.rule == "certain")
        }
        #expect(!bench.record.isBanned(bench.now))
    }

    @Test(arguments: [Mode.off])
    func aPolicyThatIsOffPassesEverything(mode: Mode) {
        var bench = Bench(ruleset(mode: mode))
        let decision = bench.check(agent: "friendly-scanner")
        #expect(decision.answer == .pass && decision.shadow == nil && decision.hits.isEmpty)
    }

    @Test func explainsEachStep() throws {
        var bench = Bench()
        bench.trace = Trace()
        _ = bench.check(agent: "friendly-scanner")
        let steps = try #require(bench.trace).steps.map(\.step)
        #expect(steps == ["standing", "signature certain", "score", "treatment disarm", "answer budget"])
    }

    @Test func aReloadThatDropsATreatmentChoosesAnother() {
        var bench = Bench()
        _ = bench.check(agent: "friendly-scanner")
        bench.record.flood.treatment = NameID("gone")
        #expect(bench.check(agent: "friendly-scanner").answer == .disarm200)
    }

    @Test func aRecordStaysSmall() {
        #expect(MemoryLayout<SourceRecord>.stride <= 192)
    }
}

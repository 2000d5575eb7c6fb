import Testing

@testable import Policy

private let source = Lease(key: .source, duration: .seconds(1))
private let sourceAndAgent = Lease(key: .sourceAndUserAgent, duration: .seconds(1))

/// Two marks, of which one is the User-Agent's; behaviour that ends in silence, in silence for a while, and in refusals.
private func ruleset(
    mode: Mode = .enforce, lease: Duration = .seconds(1), quiet: Duration = .seconds(10), banAnswer: Answer = .drop,
    hold: Duration = .seconds(600), last: Answer = .drop
) -> Ruleset {
    func signature(_ name: String, _ field: Field, _ weight: Int, others: [Field] = []) -> Signature {
        let conditions = ([field] + others).map {
            Condition(fields: [$0], matcher: .contains([Array("scan".utf8)]))
        }
        return Signature(
            name: name, tool: "tool", purpose: .scan, weight: weight, mode: .enforce, conditions: conditions)
    }
    let anybody = Indication(tools: [], purposes: [], methods: [], answered: nil)
    return Ruleset(
        mode: mode, sources: PrefixLengths(v4: 32, v6: 64), trust: Trust(hold: .seconds(3600), factor: 10),
        threshold: 100,
        signatures: [
            signature("agent", .userAgent, 100), signature("caller", .fromUser, 100),
            signature("both", .userAgent, 100, others: [.toUser]), signature("half", .userAgent, 50),
        ],
        limits: [
            LimitRule(
                name: "guesses", mode: .enforce, scope: CounterScope(parts: [.source]), event: .authFailed,
                limit: RateLimit(events: 2, per: .seconds(600)), trustFactor: 10, purpose: .cracking)
        ],
        treatments: [
            Treatment(
                name: "rest", indication: anybody,
                ladder: [
                    Rung(answer: .disarm200, times: 2), Rung(answer: .drop, times: 2), Rung(answer: last, times: nil),
                ],
                hold: hold)
        ],
        budget: AnswerBudget(
            perSource: RateLimit(events: 100, per: .seconds(60)), total: RateLimit(events: 1000, per: .seconds(1))),
        ban: BanPolicy(
            afterMessages: 20, first: .seconds(600), factor: 4, most: .seconds(86400), mostUnproven: .seconds(900),
            decay: .seconds(86400), answer: banAnswer),
        addresses: AddressPolicy(own: [], trustedProxies: [], allow: []), quiet: quiet, lease: lease)
}

private struct Bench {
    var engine: Engine
    var record = SourceRecord(address: IPAddress("198.51.100.7")!, now: .seconds(0))
    var now = Instant.seconds(0)
    var standing = Standing.stranger

    init(_ ruleset: Ruleset = ruleset()) { engine = Engine(ruleset: ruleset, store: DictionaryStore()) }

    mutating func lease(agent: String? = nil, from: String? = nil, ban: AddressEntry? = nil) -> Lease? {
        var texts: [Field: String] = [.method: "REGISTER"]
        (texts[.userAgent], texts[.fromUser]) = (agent, from)
        return withFacts(texts) { facts in
            var trace: Trace?
            let decision = engine.check(
                facts, record: &record, standing: standing, ban: ban, now: now, trace: &trace)
            return engine.lease(for: decision, facts, record, standing, ban, now: now)
        }
    }

    /// The leases of so many requests.
    mutating func leases(_ count: Int, agent: String? = nil, from: String? = nil) -> [Lease?] {
        (0..<count).map { _ in lease(agent: agent, from: from) }
    }

    mutating func report(_ outcome: Outcome) {
        withFacts { _ = engine.report(outcome, $0, record: &record, standing: standing, now: now) }
    }

    mutating func dropped(_ count: Int) -> Decision {
        withFacts { facts in
            var facts = facts
            facts.count = count
            return engine.dropped(facts, record: &record, standing: standing, ban: nil, now: now)
        }
    }

    static func ban(until: Instant?) -> AddressEntry {
        AddressEntry(prefix: Prefix("198.51.100.0/24")!, since: .seconds(0), until: until, comment: "", by: "test")
    }
}

@Suite struct LeaseTests {
    @Test("nothing that passes or is answered is leased") func onlySilence() {
        var bench = Bench()
        #expect(bench.lease(agent: "Phone") == nil)
        #expect(bench.leases(2, agent: "scan") == [nil, nil])
    }

    @Test("silence that has a last time is not leased, silence for good is") func onlyTheLastRung() {
        var bench = Bench()
        #expect(bench.leases(6, agent: "scan") == [nil, nil, nil, nil, sourceAndAgent, sourceAndAgent])
    }

    @Test(
        "a mark is leased with the User-Agent only where that alone betrays the tool",
        arguments: [("scan", nil, sourceAndAgent), ("scan", "scan", sourceAndAgent), (nil, "scan", nil)]
            as [(String?, String?, Lease?)])
    func marks(agent: String?, from: String?, lease: Lease?) {
        var bench = Bench()
        #expect(bench.leases(5, agent: agent, from: from).last == lease)
    }

    @Test("another refusal at the end of the ladder is not leased") func refusals() {
        var bench = Bench(ruleset(last: .reject(code: 603, reason: "Decline")))
        #expect(bench.leases(6, agent: "scan").allSatisfy { $0 == nil })
    }

    @Test("behaviour that has come to silence is leased for the source") func behaviour() {
        var bench = Bench()
        for _ in 0..<3 { bench.report(.authFailed) }
        #expect(bench.leases(5) == [nil, nil, nil, nil, source])
    }

    @Test("a lease ends with what it rests on", arguments: [(0.3, 0.3), (600, 1)] as [(Double, Double)]) func hold(
        hold: Double, lease: Double
    ) {
        var bench = Bench(ruleset(hold: .milliseconds(Int(hold * 1000))))
        for _ in 0..<3 { bench.report(.authFailed) }
        #expect(bench.leases(5).last == Lease(key: .source, duration: .milliseconds(Int(lease * 1000))))
    }

    @Test("a banned source is leased, from the message that banned it on") func banned() {
        var bench = Bench()
        _ = bench.leases(19, agent: "scan")
        #expect(bench.lease(agent: "scan") == source && bench.record.isBanned(bench.now))
        #expect(bench.lease(agent: "Phone") == source)
        bench.now = .seconds(599.75)
        #expect(bench.lease(agent: "Phone") == Lease(key: .source, duration: .milliseconds(250)))
        bench.now = .seconds(600)
        #expect(bench.lease(agent: "Phone") == nil)
    }

    @Test(
        "a ban that somebody set is leased, no longer than it has to go",
        arguments: [(nil, source), (.seconds(0.5), Lease(key: .source, duration: .milliseconds(500)))]
            as [(Instant?, Lease)])
    func bannedByHand(until: Instant?, lease: Lease) {
        var bench = Bench()
        #expect(bench.lease(agent: "Phone", ban: Bench.ban(until: until)) == lease)
    }

    @Test("a ban that is answered is not leased") func answeredBan() {
        var bench = Bench(ruleset(banAnswer: .reject(code: 603, reason: "Decline")))
        #expect(bench.lease(ban: Bench.ban(until: nil)) == nil)
    }

    @Test("a protected source is never leased as a whole", arguments: [Standing.own, .trustedProxy])
    func protected(standing: Standing) {
        var bench = Bench()
        bench.standing = standing
        #expect(bench.leases(5, agent: "scan").last == sourceAndAgent)
        #expect(bench.leases(5, from: "scan").last == .some(nil))
        #expect(bench.lease(ban: Bench.ban(until: nil)) == nil)
    }

    @Test(
        "a source from which somebody has ever logged in is never leased as a whole",
        arguments: [1, 2_592_000] as [Double])
    func trusted(later: Double) {
        var bench = Bench()
        bench.report(.authOK)
        bench.now = .seconds(later)
        for _ in 0..<30 { bench.report(.authFailed) }
        #expect(bench.leases(30, from: "scan").allSatisfy { $0 == nil })
        #expect(bench.lease(ban: Bench.ban(until: nil)) == nil)
    }

    @Test(
        "the policy says how long, and a quiet time is never mistaken for the end of a flood",
        arguments: [(0, 10, 0), (0.5, 10, 0.5), (10, 10, 2.5), (1, 1, 0.25)] as [(Double, Int, Double)])
    func duration(ttl: Double, quiet: Int, expected: Double) {
        var bench = Bench(ruleset(lease: .milliseconds(Int(ttl * 1000)), quiet: .seconds(quiet)))
        let lease = expected > 0 ? Lease(key: .source, duration: .milliseconds(Int(expected * 1000))) : nil
        #expect(bench.lease(ban: Bench.ban(until: nil)) == lease)
    }

    @Test("a policy that only looks on leases nothing", arguments: [Mode.shadow, .off]) func lookingOn(mode: Mode) {
        var bench = Bench(ruleset(mode: mode))
        #expect(bench.lease(ban: Bench.ban(until: nil)) == nil)
    }

    @Test("what was dropped under a lease counts as if it had been asked about") func exact() {
        var asked = Bench()
        var leased = Bench()
        _ = asked.leases(15, agent: "scan")
        _ = leased.leases(5, agent: "scan")
        _ = leased.dropped(10)
        for bench in [asked, leased] {
            #expect(bench.record.requests == 15 && bench.record.dropped == 13 && bench.record.answers == 2)
            #expect(bench.record.flood.messages == 15 && bench.record.flood.messagesAfterAnswer == 14)
            #expect(bench.record.flood.timesOnRung == 11 && bench.record.flood.rung == 2)
        }
        #expect(leased.dropped(5).events == [.banned] && leased.record.isBanned(leased.now))
        #expect(leased.dropped(5).rule == "ban" && leased.record.requests == 25)
    }

    @Test("what was dropped under a lease begins nothing for a source that is forgotten") func forgotten() {
        var bench = Bench()
        let decision = bench.dropped(100_000)
        #expect(decision.answer == .drop && decision.events.isEmpty && !bench.record.flood.isPresent)
        #expect(bench.record.requests == 100_000 && bench.record.dropped == 100_000)
    }

    @Test("a protected source is not banned for what was dropped") func protectedDropped() {
        var bench = Bench()
        bench.standing = .own
        _ = bench.leases(5, agent: "scan")
        #expect(bench.dropped(1000).events.isEmpty && !bench.record.isBanned(bench.now))
    }
}

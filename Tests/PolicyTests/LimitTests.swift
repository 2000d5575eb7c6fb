import Testing

@testable import Policy

/// An engine with these limits and no signatures, and a clock that only the test moves.
final class LimitBench {
    var engine: Engine
    var records: [String: SourceRecord] = [:]
    var now = Instant.seconds(0)

    init(
        _ limits: [LimitRule], signatures: [Signature] = [], trust: Trust = Trust(hold: .seconds(86_400), factor: 10),
        ladder: [Rung] = [Rung(answer: .drop, times: nil)], banAfter: Int = 1_000_000, probation: Probation? = nil
    ) {
        let rest = Treatment(
            name: "rest", indication: Indication(tools: [], purposes: [], methods: [], answered: nil),
            ladder: ladder, hold: .seconds(600))
        let wide = RateLimit(events: 1_000_000, per: .seconds(1))
        let ruleset = Ruleset(
            mode: .enforce, sources: PrefixLengths(v4: 32, v6: 64), trust: trust, threshold: 100,
            signatures: signatures, limits: limits, treatments: [rest],
            budget: AnswerBudget(perSource: wide, total: wide),
            ban: BanPolicy(
                afterMessages: banAfter, first: .seconds(600), factor: 4, most: .seconds(86_400),
                mostUnproven: .seconds(600), decay: .seconds(86_400), answer: .drop),
            addresses: AddressPolicy(own: [], trustedProxies: [], allow: []), quiet: .seconds(10),
            probation: probation)
        engine = Engine(ruleset: ruleset, store: DictionaryStore())
    }

    private func with<Result>(_ source: String, _ body: (inout SourceRecord) -> Result) -> Result {
        let key = engine.ruleset.sources.key(of: IPAddress(source)!)
        var record = records["\(key)"] ?? SourceRecord(address: key, now: now)
        defer { records["\(key)"] = record }
        return body(&record)
    }

    /// Which rule decides about a request.
    @discardableResult func check(
        _ texts: [Field: String] = [:], from source: String = "198.51.100.7", count: Int = 1,
        standing: Standing = .stranger
    ) -> String {
        decide(texts, from: source, count: count, standing: standing).rule
    }

    func decide(
        _ texts: [Field: String] = [:], from source: String = "198.51.100.7", count: Int = 1,
        standing: Standing = .stranger, transport: Transport = .udp
    ) -> Decision {
        let (engine, now) = (engine, now)
        return with(source) { record in
            withFacts(from: source, [.method: "REGISTER"].merging(texts) { $1 }, transport: transport) { facts in
                var (facts, trace) = (facts, Trace?.none)
                facts.count = count
                return engine.check(facts, record: &record, standing: standing, ban: nil, now: now, trace: &trace)
            }
        }
    }

    /// Whether a report begins a treatment.
    @discardableResult func report(
        _ outcome: Outcome, _ texts: [Field: String] = [:], from source: String = "198.51.100.7",
        standing: Standing = .stranger
    ) -> Bool {
        let (engine, now) = (engine, now)
        return with(source) { record in
            withFacts(from: source, texts) { facts in
                engine.report(outcome, facts, record: &record, standing: standing, now: now).events
                    .contains(.floodBegan)
            }
        }
    }

    /// How many events of a series, `spacing` seconds apart, come before the one that is treated; nil if all of `most` pass.
    func passed(
        every spacing: Double, most: Int = 1000, _ event: (LimitBench, Int) -> Bool
    ) -> Int? {
        for index in 0..<most {
            if event(self, index) { return index }
            now = now + .microseconds(Int64(spacing * 1_000_000))
        }
        return nil
    }
}

func rule(
    _ event: CountedEvent, key: Set<CounterScope.Part> = [.source], prefix: PrefixLengths? = nil, _ events: Int,
    per: Duration, burst: Int? = nil, purpose: Purpose = .cracking, _ terms: LimitRule.Terms = LimitRule.Terms(),
    named name: String? = nil
) -> LimitRule {
    LimitRule(
        name: name ?? event.rawValue.replacing("_", with: "-"), mode: .enforce,
        scope: CounterScope(parts: key, prefix: prefix),
        event: event, limit: RateLimit(events: events, per: per, burst: burst), trustFactor: 10, purpose: purpose,
        terms: terms)
}

@Suite struct LimitTests {
    // MARK: What is counted

    @Test(arguments: zip(CountedEvent.allCases, ["", "f", "u", "fu", "fu", "f", "f", "f", "f", "", "", ""]))
    func reportsCountForTheLimitsThatAreAboutThem(event: CountedEvent, outcomes: String) {
        #expect(event.counts(.authFailed) == outcomes.contains("f"))
        #expect(event.counts(.unknownUser) == outcomes.contains("u"))
        for outcome in [Outcome.challenged, .authOK, .accepted, .rejected] { #expect(!event.counts(outcome)) }
        #expect(event.isOfRequests == outcomes.isEmpty)
    }

    @Test func aChallengeIsNeverAFailure() {
        let bench = LimitBench(
            CountedEvent.allCases.filter { !$0.isOfRequests }.map { rule($0, 1, per: .seconds(3600)) })
        for index in 0..<500 {
            #expect(!bench.report(.challenged, [.fromUser: "\(index)", .callID: "c\(index)"]))
        }
    }

    // MARK: Enumeration

    /// A fast limit and a patient one, at any speed from 200 a second to one in ten minutes.
    @Test(arguments: [0.005, 0.01, 0.1, 1, 5, 20, 60, 300, 600])
    func triedUsersAreSeenAtAnySpeed(spacing: Double) throws {
        let bench = LimitBench([
            rule(.usersTried, 10, per: .seconds(600), purpose: .enumeration),
            rule(.usersTried, 12, per: .seconds(43_200), purpose: .enumeration, named: "patient"),
        ])
        let passed = try #require(bench.passed(every: spacing) { $0.report(.unknownUser, [.fromUser: "\(100 + $1)"]) })
        #expect((10...15).contains(passed))
    }

    @Test func oneUserCountsOnceForAsLongAsItIsTried() {
        let bench = LimitBench([rule(.usersTried, 2, per: .seconds(600))])
        #expect(bench.passed(every: 60, most: 500) { $0.report(.authFailed, [.fromUser: "\($1 % 2)"]) } == nil)
    }

    @Test func whatExceedsIsNewAgainTheNextTime() {
        let bench = LimitBench([rule(.usersTried, 2, per: .seconds(600))])
        for user in ["1", "2"] { bench.report(.unknownUser, [.fromUser: user]) }
        for _ in 0..<3 {
            bench.records = [:]
            #expect(bench.report(.unknownUser, [.fromUser: "3"]), "its flood has been forgotten, the limit has not")
        }
    }

    // MARK: Passwords

    @Test(arguments: [0.01, 1, 60, 600])
    func passwordsWithNewCallIDsAreAttempts(spacing: Double) throws {
        let bench = LimitBench([rule(.attempts, 16, per: .seconds(43_200))])
        let passed = bench.passed(every: spacing) { $0.report(.authFailed, [.authUser: "1001", .callID: "c\($1)"]) }
        #expect((16...20).contains(try #require(passed)))
    }

    @Test(arguments: [20.0, 30, 60])
    func aPhoneWithAnOldPasswordIsOneAttempt(spacing: Double) {
        let bench = LimitBench([
            rule(.attempts, 16, per: .seconds(43_200)),
            rule(.authFailed, key: [.source, .user], 12, per: .seconds(120)),
        ])
        let passed = bench.passed(every: spacing, most: 5000) { bench, _ in
            bench.report(.authFailed, [.authUser: "1001", .callID: "one"])
        }
        #expect(passed == nil)
    }

    @Test func oneCallIDIsAnAttemptForEachUser() {
        let bench = LimitBench([rule(.attempts, key: [.source, .user], 1, per: .seconds(600))])
        for user in ["1", "2", "3"] { #expect(!bench.report(.authFailed, [.authUser: user, .callID: "one"])) }
        #expect(bench.report(.authFailed, [.authUser: "1", .callID: "two"]))
    }

    @Test func anUnknownCallIDIsNoAttempt() {
        let bench = LimitBench([rule(.attempts, 1, per: .seconds(600))])
        for _ in 0..<50 { #expect(!bench.report(.authFailed, [.authUser: "1001"])) }
    }

    @Test func eachFurtherSourceThatFailsForOneUserIsTreated() {
        let distributed = rule(
            .sourcesTried, key: [.user], 12, per: .seconds(21_600), LimitRule.Terms(trusted: .exempt))
        let bench = LimitBench([distributed])
        bench.report(.authOK, [.authUser: "1001"], from: "203.0.113.1")
        for source in 1...40 {
            let isTreated = bench.report(.authFailed, [.authUser: "1001"], from: "198.51.100.\(source)")
            #expect(isTreated == (source > 12))
            bench.now = bench.now + .seconds(20)
        }
        #expect(bench.check([.fromUser: "1001"], from: "198.51.100.39") == "sources-tried")
        #expect(bench.check([.fromUser: "1001"], from: "203.0.113.1") == "default", "the user's own phone")
        #expect(!bench.report(.authFailed, [.authUser: "1001"], from: "203.0.113.1"))
        #expect(!bench.report(.authFailed, [.authUser: "1002"], from: "203.0.113.2"), "another user")
        #expect(bench.check([.fromUser: "1001"], from: "203.0.113.9") == "default", "has not failed")
    }

    /// One attempt of a source with this Call-ID; whether it began a treatment.
    private func attempt(_ bench: LimitBench, _ source: Int, _ callID: String, user: String = "1001") -> Bool {
        bench.now = bench.now + .seconds(1)
        return bench.report(.authFailed, [.authUser: user, .callID: callID], from: "198.51.100.\(source)")
    }

    @Test func aSourcesFirstCallIDIsNoRetryAndItsFurtherOnesAre() {
        let bench = LimitBench([rule(.retries, key: [.user], 3, per: .seconds(3600))])
        for source in 1...50 { #expect(!attempt(bench, source, "first\(source)")) }
        for _ in 1...50 { #expect(!attempt(bench, 1, "first1"), "a phone that tries again") }
        for source in 1...3 { #expect(!attempt(bench, source, "second\(source)")) }
        #expect(!attempt(bench, 4, "other", user: "1002"), "a first one for another user")
        #expect(!attempt(bench, 1, "second1"), "has been counted")
        #expect(attempt(bench, 4, "second4") && attempt(bench, 1, "third"))
    }

    @Test func eachSourceThatRetriesCountsOnce() {
        let bench = LimitBench([rule(.sourcesRetried, key: [.user], 2, per: .seconds(3600))])
        for source in 1...50 { #expect(!attempt(bench, source, "first\(source)")) }
        for number in 1...20 { #expect(!attempt(bench, 1, "\(number)") && !attempt(bench, 2, "\(number)")) }
        #expect(attempt(bench, 3, "second") && attempt(bench, 4, "second"))
        #expect(!attempt(bench, 1, "last"), "was counted before")
    }

    @Test func sourcesThatDoNotTellTheUserAreNotOne() {
        let bench = LimitBench([rule(.sourcesTried, key: [.user], 1, per: .seconds(600))])
        for source in 1...50 { #expect(!bench.report(.authFailed, from: "198.51.100.\(source)")) }
    }

    // MARK: Sweeps

    @Test func manyTargetsAreASweepAndAFewForEverAreNone() {
        let sweep = rule(
            .targets, 15, per: .seconds(43_200), purpose: .scan, LimitRule.Terms(methods: .options, trusted: .exempt)
        )
        var bench = LimitBench([sweep])
        #expect(
            bench.passed(every: 0.1) {
                $0.check([.method: "OPTIONS", .ruri: "sip:\(100 + $1)@203.0.113.5"]) != "default"
            } == 15)
        bench = LimitBench([sweep])
        #expect(
            bench.passed(every: 1, most: 5000) {
                $0.check([.method: "OPTIONS", .ruri: "sip:\($1 % 5)@203.0.113.5;x=\($1)"]) != "default"
            } == nil, "five addresses, whatever their parameters")
        #expect(
            bench.passed(every: 1, most: 500) {
                $0.check([.method: "INVITE", .ruri: "sip:\($1)@203.0.113.5"]) != "default"
            } == nil, "no OPTIONS")
    }

    @Test(arguments: [Standing.own, .trustedProxy, .allow, .stranger])
    func aTrunkMayAskAfterItsExtensions(standing: Standing) {
        let bench = LimitBench([
            rule(.targets, 15, per: .seconds(43_200), LimitRule.Terms(methods: .options, trusted: .exempt))
        ])
        if standing == .stranger { bench.report(.authOK, [.authUser: "trunk"]) }
        for extensionNumber in 0..<2000 {
            let texts: [Field: String] = [.method: "OPTIONS", .ruri: "sip:\(extensionNumber)@203.0.113.5"]
            #expect(["default", "allow"].contains(bench.check(texts, standing: standing)))
        }
    }

    // MARK: Keys

    struct KeyCase: CustomTestStringConvertible {
        let key: Set<CounterScope.Part>
        var prefix: PrefixLengths?
        let one: (source: String, texts: [Field: String])
        let other: (source: String, texts: [Field: String])
        let isSame: Bool
        let testDescription: String
    }

    static let keys = [
        KeyCase(
            key: [.source], one: ("198.51.100.7", [.fromUser: "1"]), other: ("198.51.100.7", [.fromUser: "2"]),
            isSame: true, testDescription: "source"),
        KeyCase(
            key: [.source], one: ("198.51.100.7", [:]), other: ("198.51.100.8", [:]), isSame: false,
            testDescription: "another source"),
        KeyCase(
            key: [.source], prefix: PrefixLengths(v4: 24, v6: 48), one: ("198.51.100.7", [:]),
            other: ("198.51.100.200", [:]), isSame: true, testDescription: "/24"),
        KeyCase(
            key: [.source], prefix: PrefixLengths(v4: 25, v6: 48), one: ("198.51.100.7", [:]),
            other: ("198.51.100.200", [:]), isSame: false, testDescription: "/25"),
        KeyCase(
            key: [.source], one: ("2001:db8::1", [:]), other: ("2001:db8::ffff:1", [:]), isSame: true,
            testDescription: "an IPv6 /64 as the policy groups sources"),
        KeyCase(
            key: [.source], prefix: PrefixLengths(v4: 32, v6: 128), one: ("2001:db8::1", [:]),
            other: ("2001:db8::2", [:]), isSame: false, testDescription: "/128"),
        KeyCase(
            key: [.source], prefix: PrefixLengths(v4: 32, v6: 48), one: ("2001:db8:0:1::1", [:]),
            other: ("2001:db8:0:2::1", [:]), isSame: true, testDescription: "/48"),
        KeyCase(
            key: [.user], one: ("198.51.100.7", [.fromUser: "1"]), other: ("203.0.113.9", [.fromUser: "1"]),
            isSame: true, testDescription: "user"),
        KeyCase(
            key: [.user], one: ("198.51.100.7", [.fromUser: "1"]), other: ("198.51.100.7", [.fromUser: "2"]),
            isSame: false, testDescription: "another user"),
        KeyCase(
            key: [.user], one: ("198.51.100.7", [:]), other: ("203.0.113.9", [:]), isSame: false,
            testDescription: "no user"),
        KeyCase(
            key: [.source, .user], one: ("198.51.100.7", [.fromUser: "1"]), other: ("198.51.100.7", [.fromUser: "2"]),
            isSame: false, testDescription: "source and another user"),
        KeyCase(
            key: [.source, .user], one: ("198.51.100.7", [.fromUser: "1"]), other: ("203.0.113.9", [.fromUser: "1"]),
            isSame: false, testDescription: "another source and user"),
        KeyCase(
            key: [.source, .user], one: ("198.51.100.7", [.fromUser: "1"]), other: ("198.51.100.7", [.authUser: "1"]),
            isSame: true, testDescription: "source and user, wherever the user stands"),
        KeyCase(
            key: [.userAgent], one: ("198.51.100.7", [.userAgent: "a"]), other: ("203.0.113.9", [.userAgent: "a"]),
            isSame: true, testDescription: "User-Agent"),
        KeyCase(
            key: [.userAgent], one: ("198.51.100.7", [:]), other: ("203.0.113.9", [:]), isSame: false,
            testDescription: "no User-Agent"),
        KeyCase(
            key: [.node], one: ("198.51.100.7", [.node: "a"]), other: ("203.0.113.9", [.node: "a"]), isSame: true,
            testDescription: "node"),
        KeyCase(
            key: [.source, .node], one: ("198.51.100.7", [.node: "a"]), other: ("198.51.100.7", [.node: "b"]),
            isSame: false, testDescription: "source and another node"),
        KeyCase(
            key: [.source, .user, .userAgent, .node], prefix: PrefixLengths(v4: 24, v6: 64),
            one: ("198.51.100.7", [.node: "a", .fromUser: "1", .userAgent: "x"]),
            other: ("198.51.100.8", [.node: "a", .fromUser: "1", .userAgent: "x"]), isSame: true,
            testDescription: "all of them"),
    ]

    @Test(arguments: keys)
    func countsForItsKey(_ test: KeyCase) {
        let bench = LimitBench([
            rule(.requests, key: test.key, prefix: test.prefix, 1, per: .seconds(3600), purpose: .flood)
        ])
        #expect(bench.check(test.one.texts, from: test.one.source) == "default")
        #expect(bench.check(test.other.texts, from: test.other.source) == (test.isSame ? "requests" : "default"))
    }

    /// Two sources that differ in one bit have one counter if that bit is behind the prefix, whatever its length.
    @Test(arguments: [0, 1, 7, 8, 9, 15, 16, 24, 31, 32])
    func anyPrefixOfAnIPv4AddressMayBeTheKey(length: Int) {
        for bit in 0..<32 {
            let other = IPAddress(v4: 0xC633_6407 ^ (1 << (31 - UInt32(bit))))
            let isSame = isSame("198.51.100.7", other, PrefixLengths(v4: length, v6: 64))
            #expect(isSame == (bit >= length), "bit \(bit)")
        }
    }

    @Test(arguments: [0, 1, 16, 29, 32, 48, 56, 63, 64, 65, 96, 127, 128])
    func anyPrefixOfAnIPv6AddressMayBeTheKey(length: Int) {
        let one = IPAddress("2001:db8::1")!
        for bit in 0..<128 {
            let other = IPAddress(value: one.value ^ (1 << (127 - UInt128(bit))))
            #expect(isSame("2001:db8::1", other, PrefixLengths(v4: 32, v6: length)) == (bit >= length), "bit \(bit)")
        }
    }

    private func isSame(_ one: String, _ other: IPAddress, _ prefix: PrefixLengths) -> Bool {
        let bench = LimitBench([
            rule(.requests, key: [.source], prefix: prefix, 1, per: .seconds(3600), purpose: .flood)
        ])
        return bench.check(from: one) == "default" && bench.check(from: "\(other)") == "requests"
    }

    @Test func partsOfAKeyAreNotMistakenForEachOther() {
        let bench = LimitBench([rule(.requests, key: [.user, .userAgent], 1, per: .seconds(3600), purpose: .flood)])
        #expect(bench.check([.fromUser: "ab", .userAgent: "c"]) == "default")
        #expect(bench.check([.fromUser: "a", .userAgent: "bc"], from: "198.51.100.8") == "default")
    }

    @Test func methodsAreToldApart() {
        let names = [
            "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO",
            "REFER", "MESSAGE", "UPDATE",
        ]
        var all = MethodSet()
        for name in names {
            let method = Array(name.utf8).withUnsafeBufferPointer { MethodSet($0) }
            #expect(!method.isEmpty && all.isDisjoint(with: method))
            all.formUnion(method)
        }
        for name in ["", "I", "INVITES", "REGISTRY", "FOOBAR"] {
            #expect(Array(name.utf8).withUnsafeBufferPointer { MethodSet($0) }.isEmpty)
        }
        #expect(MethodSet(.unknown).isEmpty)
    }
}

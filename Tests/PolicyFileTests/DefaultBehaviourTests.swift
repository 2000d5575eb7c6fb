import Policy
import Synchronization
import Testing

@testable import PolicyFile

/// Counts without bounds.
private final class PlentifulStore: CounterStore {
    let holds = HoldMark()
    private let entries = Mutex<[Int: Instant]>([:])

    private func with<Result>(_ key: CounterKey, _ body: (inout Instant?) -> sending Result) -> sending Result {
        var hasher = Hasher()
        key.hash(into: &hasher)
        let hash = hasher.finalize()
        return entries.withLock { body(&$0[hash]) }
    }

    func take(_ key: CounterKey, limit: RateLimit, count: Int, now: Instant) -> RateLimit.Outcome {
        with(key) { entry in
            var arrival = entry ?? .never
            defer { entry = arrival }
            return limit.take(&arrival, count: count, now: now)
        }
    }

    func remember(_ key: CounterKey, for duration: Duration, now: Instant) -> Bool {
        with(key) { entry in
            defer { entry = now + duration }
            return entry.map { $0 > now } ?? false
        }
    }

    func remembers(_ key: CounterKey, now: Instant) -> Bool { with(key) { $0.map { $0 > now } ?? false } }

    func arrival(of key: CounterKey) -> Instant? { with(key) { $0 ?? .never } }
}

/// A proxy with the built-in policy, every signature switched off, that asks before it lets a request authenticate.
private final class Proxy {
    static let ruleset: Ruleset = {
        let off = DefaultPolicyTests.draft.signatures.map { "  - { name: \($0.name), mode: off }" }
        let text = "version: 1\nextends: default\nsignatures:\n" + off.joined(separator: "\n") + "\n"
        do { return try PolicyDocument.parse(text: text, name: "behaviour.yaml").ruleset } catch {
            fatalError("\(error)")
        }
    }()

    private let engine = Engine(ruleset: ruleset, store: PlentifulStore())
    private var records: [IPAddress: SourceRecord] = [:]
    var now = Instant(microseconds: 1_000_000_000_000)
    /// Requests that did not pass.
    private(set) var refused = 0

    func wait(_ seconds: Double) { now = now + .microseconds(Int64(seconds * 1_000_000)) }

    /// One request; whether it passed, and then what became of it.
    @discardableResult func sends(
        _ fields: [(field: Field, value: String)], from source: String, then outcome: Outcome? = nil
    ) -> Bool {
        let request = SampleRequest(source: IPAddress(source)!, transport: .udp, fields: fields)
        let key = Self.ruleset.sources.key(of: request.source)
        var record = records[key] ?? SourceRecord(address: key, now: now)
        defer { records[key] = record }
        return request.withFacts { facts in
            var trace: Trace?
            let decision = engine.check(
                facts, record: &record, standing: .stranger, ban: nil, now: now, trace: &trace)
            guard decision.answer == .pass else {
                refused += 1
                return false
            }
            if let outcome { _ = engine.report(outcome, facts, record: &record, standing: .stranger, now: now) }
            return true
        }
    }

    /// A phone's REGISTER without credentials and then, if that passed, with them.
    @discardableResult func registers(
        _ user: String, from source: String, callID: String, _ outcome: Outcome = .authOK
    ) -> Bool {
        let plain: [(field: Field, value: String)] = [(.method, "REGISTER"), (.fromUser, user), (.callID, callID)]
        guard sends(plain, from: source, then: .challenged) else { return false }
        return sends(plain + [(.authUser, user)], from: source, then: outcome)
    }

    func asks(_ method: String, _ ruri: String, from source: String) -> Bool {
        sends([(.method, method), (.ruri, ruri), (.fromUser, "caller")], from: source)
    }
}

@Suite struct DefaultBehaviourTests {
    private let proxy = Proxy()
    private let attacker = "198.51.100.7"

    /// How many of a series of events come through.
    private func passed(every spacing: Double, _ event: (Int) -> Bool) -> Int {
        for index in 0..<200 {
            guard event(index) else { return index }
            proxy.wait(spacing)
        }
        return 200
    }

    // MARK: Attacks, of whose messages at most twenty fail before they are known

    @Test(arguments: [0.005, 0.1, 0.25, 1, 10, 60, 300, 600], [Outcome.unknownUser, .authFailed])
    func enumeration(spacing: Double, outcome: Outcome) {
        let passed = passed(every: spacing) {
            proxy.sends([(.method, "REGISTER"), (.fromUser, "\(100 + $0)")], from: attacker, then: outcome)
        }
        #expect((10...20).contains(passed))
    }

    @Test(arguments: [0.005, 0.1, 1, 10, 60])
    func passwordGuessing(spacing: Double) {
        let passed = passed(every: spacing) { proxy.registers("1001", from: attacker, callID: "\($0)", .authFailed) }
        #expect((8...20).contains(passed))
    }

    @Test(arguments: [0.005, 0.1, 1, 3])
    func passwordGuessingWithOneCallID(spacing: Double) {
        let passed = passed(every: spacing) { _ in proxy.registers("1001", from: attacker, callID: "one", .authFailed) }
        #expect((8...20).contains(passed))
    }

    @Test(arguments: [1, 3, 8])
    func passwordGuessingAgainstSeveralUsers(users: Int) {
        let passed = passed(every: 30) {
            proxy.registers("\(1000 + $0 % users)", from: attacker, callID: "\($0)", .authFailed)
        }
        #expect((8...20).contains(passed))
    }

    /// Some sources in turn. Once it is known, each of them fails at most once more.
    @Test(arguments: [2, 4, 10], [0.1, 5])
    func passwordGuessingInTurn(sources: Int, spacing: Double) {
        proxy.registers("1001", from: "203.0.113.1", callID: "phone")
        var through = 0
        for index in 0..<200 {
            let source = "198.51.100.\(index % sources + 1)"
            if proxy.registers("1001", from: source, callID: "\(index)", .authFailed) { through += 1 }
            proxy.wait(spacing)
            #expect(
                index % 20 != 0 || proxy.registers("1001", from: "203.0.113.1", callID: "phone"), "the user's phone")
        }
        #expect(through <= 19 + sources)
    }

    /// However many take turns: each has a limit of its own that it keeps to.
    @Test(arguments: 2...20)
    func passwordGuessingInTurnAtOneAMinute(sources: Int) {
        let passed = passed(every: 60) {
            proxy.registers("1001", from: "198.51.100.\($0 % sources + 1)", callID: "\($0)", .authFailed)
        }
        #expect((8...20).contains(passed))
    }

    /// Each source tries again and again until it is refused: once it is known, that is after the first time.
    @Test(arguments: [0.005, 1])
    func passwordGuessingFromManySources(spacing: Double) {
        proxy.registers("1001", from: "203.0.113.1", callID: "phone")
        for source in 1...100 {
            let through = passed(every: spacing) {
                proxy.registers("1001", from: "198.51.100.\(source)", callID: "\(source).\($0)", .authFailed)
            }
            #expect(through <= (source <= 2 ? 17 : 1), "source \(source)")
        }
        #expect(proxy.registers("1001", from: "203.0.113.1", callID: "phone"), "the user's phone")
        // Who does not fail is served wherever he is, as soon as he sends his request again.
        proxy.registers("1001", from: "203.0.113.2", callID: "other")
        proxy.wait(0.5)
        #expect(proxy.registers("1001", from: "203.0.113.2", callID: "other"))
    }

    @Test(arguments: [0.005, 1, 60])
    func optionsSweep(spacing: Double) {
        #expect((10...20).contains(passed(every: spacing) { proxy.asks("OPTIONS", "sip:\($0)@h", from: attacker) }))
    }

    @Test(arguments: [0.1, 5, 600])
    func prefixHunting(spacing: Double) {
        let codes = ["00", "900", "9011", "000", "9900", "9999", "99990", "76000", "1", "2", "3", "4", "5", "6", "7"]
        let passed = passed(every: spacing) {
            proxy.asks("INVITE", "sip:\(codes[$0 % 15])46500729221@h", from: attacker)
        }
        #expect((2...5).contains(passed))
    }

    @Test(
        arguments: [
            (.toUser, "a'or'3=3--"), (.fromUser, "1%27--"), (.authUser, "' union select 1"),
            (.ruri, "sip:1%27%20or%20%271@h"), (.contact, "<sip:x%27--@198.51.100.7>"), (.userAgent, "x' or 1=1--"),
            (.fromDisplay, "x'; drop table subscriber; --"), (.toDomain, "h' or '1'='1"),
        ] as [(Field, String)])
    func sqlInjection(field: Field, value: String) {
        #expect(!proxy.sends([(.method, "REGISTER"), (field, value)], from: attacker))
    }

    /// They add to the score, and more does where the countries are new.
    @Test(arguments: [("sip:+25261234567@h", 40), ("sip:00881612345678@h", 40), ("sip:+4930123456@h", 0)])
    func premiumAndSatelliteDestinationsAreScored(ruri: String, score: Int) {
        let call = SampleRequest(source: IPAddress(attacker)!, fields: [(.method, "INVITE"), (.ruri, ruri)])
        #expect(Proxy.ruleset.score(call) == score)
    }

    // MARK: Customers, of whom no request is refused

    @Test func namesWithAnApostrophe() {
        let fields: [(field: Field, value: String)] = [
            (.method, "INVITE"), (.ruri, "sip:o'brien@h;transport=tcp"), (.fromUser, "o'brien"),
            (.fromDisplay, "Pat O'Brien"), (.contact, "\"Pat O'Brien\" <sip:o'brien@192.0.2.9;line=3>;expires=3600"),
        ]
        #expect(proxy.sends(fields, from: office))
    }

    private let office = "203.0.113.10"

    @Test(arguments: [20.0, 33, 60])
    func aSoftphoneWithAWrongSavedPassword(spacing: Double) {
        #expect(
            passed(every: spacing) { _ in proxy.registers("1001", from: office, callID: "one", .authFailed) } == 200)
    }

    /// RFC 3261 section 10.2 asks for one Call-ID with SHOULD only.
    @Test func aSoftphoneThatBeginsANewCallIDEachTime() {
        #expect(passed(every: 120) { proxy.registers("1001", from: office, callID: "\($0)", .authFailed) } == 200)
    }

    /// All log in, then their password is changed at one place, then each tries its old one for a day.
    @Test func anOfficeWhosePasswordWasChanged() {
        for phone in 0..<50 { proxy.registers("\(phone)", from: office, callID: "c\(phone)") }
        for _ in 0..<(26 * 12) {
            for phone in 0..<50 { proxy.registers("\(phone)", from: office, callID: "c\(phone)", .authFailed) }
            proxy.wait(300)
        }
        #expect(proxy.refused == 0)
    }

    /// Some mistype their password three times, even before anybody has logged in.
    @Test func customersBehindOneAddress() {
        for customer in 0..<15 {
            proxy.registers("\(customer / 3)", from: office, callID: "m\(customer)", .authFailed)
            proxy.wait(20)
        }
        for customer in 0..<50 { proxy.registers("\(customer)", from: office, callID: "c\(customer)") }
        for customer in 5..<50 {
            for attempt in 0..<3 {
                proxy.registers("\(customer)", from: office, callID: "\(customer).\(attempt)", .authFailed)
                proxy.wait(20)
            }
        }
        #expect(proxy.refused == 0)
    }

    @Test func monitoring() {
        #expect(passed(every: 10) { proxy.asks("OPTIONS", "sip:\($0 % 5)@pbx.example.com", from: office) } == 200)
    }

    @Test func aTrunkThatAsksAfterItsExtensions() {
        proxy.registers("trunk", from: office, callID: "t")
        for number in 0..<2000 { #expect(proxy.asks("OPTIONS", "sip:\(number)@h", from: office)) }
    }

    @Test func aDiallerWithThirtyCallsASecond() {
        proxy.registers("trunk", from: office, callID: "t")
        for call in 0..<9000 {
            _ = proxy.asks("INVITE", "sip:+4930\(10_000_000 + call * 7919 % 89_999_999)@h", from: office)
            proxy.wait(1 / 30)
        }
        #expect(proxy.refused == 0)
    }

    @Test func aTravelAgency() {
        proxy.registers("agency", from: office, callID: "t")
        for code in 20..<98 {
            _ = proxy.asks("INVITE", "sip:+\(code)1234\(code)78@h", from: office)
            proxy.wait(30)
        }
        #expect(proxy.refused == 0)
    }
}

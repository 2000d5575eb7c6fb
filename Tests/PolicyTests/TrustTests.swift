import Testing

@testable import Policy

@Suite struct TrustTests {
    @Test(arguments: [
        (0.0, 10), (1, 10), (2_399, 10), (2_401, 9), (10_800, 6), (19_200, 2), (21_599, 2), (21_600, 1), (90_000, 1),
    ])
    func decaysEvenly(age: Double, factor: Int) {
        let trust = Trust(hold: .seconds(21_600), factor: 10)
        let credit = trust.credit(for: .seconds(100), now: .seconds(100 + age))
        #expect(credit.factor == factor && credit.isTrusted == (age < 21_600))
    }

    @Test func nobodyIsTrustedBeforeALogin() {
        let trust = Trust(hold: .seconds(60), factor: 10)
        #expect(trust.credit(for: .never, now: .seconds(0)) == .none)
        #expect(Trust(hold: .zero, factor: 10).credit(for: .seconds(1), now: .seconds(0)) == .none)
    }

    @Test func isBoundedByTheFactor() {
        let trust = Trust(hold: .seconds(60), factor: 10)
        #expect(
            trust.credit(for: .seconds(50), now: .seconds(0)).factor == 10, "a clock that another thread read first")
        #expect(Trust(hold: .seconds(60), factor: 1).credit(for: .seconds(0), now: .seconds(1)).factor == 1)
    }

    private static let guessing = rule(.authFailed, 5, per: .seconds(600))

    @Test func limitsTightenAgainWithTime() throws {
        for (age, passed) in [(0.0, 50), (43_200, 27), (86_399, 10), (86_400, 5)] {
            let bench = LimitBench([Self.guessing])
            bench.report(.authOK, [.authUser: "1001"])
            bench.now = .seconds(age)
            let seen = try #require(bench.passed(every: 0) { bench, _ in bench.report(.authFailed, [.authUser: "2"]) })
            #expect(seen == passed || (age == 43_200 && (25...30).contains(seen)))
        }
    }

    @Test func isEarnedForTheNameInTheDigestAndTheOneInFrom() {
        let bench = LimitBench([Self.guessing])
        bench.report(.authOK, [.authUser: "acme-1001", .fromUser: "+15551234567"])
        for _ in 0..<60 { bench.report(.authFailed, [.authUser: "2"]) }
        #expect(bench.check([.fromUser: "2"]) == "auth-failed")
        #expect(bench.check([.fromUser: "+15551234567"]) == "default", "before it is asked for credentials")
        #expect(bench.check([.fromUser: "+15551234567", .authUser: "acme-1001"]) == "default")
        #expect(bench.check([.fromUser: "acme-1001"]) == "default", "a proxy that tells one name only")
    }

    /// Who has an account may write any name into From; that proves nothing about that name's password.
    @Test func aNameWrittenIntoFromIsNoLogin() {
        let bench = LimitBench([Self.guessing])
        bench.report(.authOK, [.authUser: "mallory", .fromUser: "victim"])
        for _ in 0..<60 { bench.report(.authFailed, [.authUser: "victim"]) }
        #expect(bench.check([.fromUser: "victim", .authUser: "victim"]) == "auth-failed")
    }

    @Test func isWorthNothingFromAnotherAddress() {
        let bench = LimitBench([Self.guessing])
        bench.report(.authOK, [.authUser: "1001"], from: "203.0.113.1")
        for _ in 0..<6 { bench.report(.authFailed, [.authUser: "1001"], from: "198.51.100.9") }
        #expect(bench.check([.fromUser: "1001"], from: "198.51.100.9") == "auth-failed")
        #expect(bench.check([.fromUser: "1001"], from: "203.0.113.1") == "default")
    }

    // MARK: A forged address

    /// Everything an attacker can send under a customer's address, over UDP: the customer never notices.
    @Test func aForgedAddressKeepsItsCustomer() {
        let bench = LimitBench(
            [
                Self.guessing, rule(.usersTried, 5, per: .seconds(600)),
                rule(.requests, 50, per: .seconds(10), purpose: .flood),
                rule(.targets, 5, per: .seconds(600), LimitRule.Terms(methods: .options)),
            ],
            signatures: [
                Signature(
                    name: "scanner", tool: "scanner", purpose: .scan, weight: 100, mode: .enforce,
                    conditions: [Condition(fields: [.userAgent], matcher: .equals([Array("scanner".utf8)]))])
            ])
        bench.report(.authOK, [.authUser: "1001"])
        for index in 0..<3000 {
            #expect(bench.check([.userAgent: "scanner", .fromUser: "\(index)"]) == "scanner")
            bench.check([.fromUser: "u\(index)"])
            bench.check([.method: "OPTIONS", .ruri: "sip:\(index)@h", .fromUser: "u\(index)"])
            bench.report(.authFailed, [.authUser: "u\(index)", .callID: "c\(index)"])
            if index.isMultiple(of: 10) { #expect(bench.check([.fromUser: "1001"]) == "default", "round \(index)") }
            bench.now = bench.now + .milliseconds(100)
        }
        #expect(bench.records.values.allSatisfy { !$0.isBanned(bench.now) })
        #expect(bench.check([.fromUser: "stranger"]) != "default")
        bench.now = bench.now + .seconds(601)
        #expect(bench.check([.fromUser: "stranger"]) == "default", "nothing of it lasts")
    }

    @Test func aTrustedUserIsLimitedByHimself() {
        let bench = LimitBench([rule(.requests, 5, per: .seconds(10), purpose: .flood)])
        bench.report(.authOK, [.authUser: "1001"])
        bench.check([.fromUser: "x"], count: 50)
        #expect(bench.check([.fromUser: "x"]) == "requests")
        #expect(bench.passed(every: 0) { bench, _ in bench.check([.fromUser: "1001"]) != "default" } == 50)
    }

    // MARK: What is held

    @Test(arguments: [11.0, 300, 590])
    func aMarkedPacketAfterAQuietTimeDoesNotEndWhatIsHeld(pause: Double) {
        let mark = Signature(
            name: "scanner", tool: "scanner", purpose: .scan, weight: 100, mode: .enforce,
            conditions: [Condition(fields: [.userAgent], matcher: .equals([Array("scanner".utf8)]))])
        let bench = LimitBench([Self.guessing], signatures: [mark])
        for _ in 0..<6 { bench.report(.authFailed, [.authUser: "1"]) }
        bench.now = .seconds(pause)
        #expect(bench.check([.userAgent: "scanner"]) == "scanner")
        bench.now = .seconds(pause + 1)
        #expect(bench.check([.fromUser: "1"]) == "auth-failed")
        bench.now = .seconds(pause + 602)
        #expect(bench.check([.fromUser: "1"]) == "default")
    }

    @Test func aMarkedPacketLongAfterwardsBringsNothingBack() {
        let mark = Signature(
            name: "scanner", tool: "scanner", purpose: .scan, weight: 100, mode: .enforce,
            conditions: [Condition(fields: [.userAgent], matcher: .equals([Array("scanner".utf8)]))])
        let bench = LimitBench([Self.guessing], signatures: [mark])
        for _ in 0..<6 { bench.report(.authFailed, [.authUser: "1"]) }
        bench.now = .seconds(601)
        #expect(bench.check([.userAgent: "scanner"]) == "scanner")
        #expect(bench.check([.fromUser: "1"]) == "default")
    }
}

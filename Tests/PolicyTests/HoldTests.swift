import Testing

@testable import Policy

/// A treatment holds for no more than its limit is about.
@Suite struct HoldTests {
    private static let victim: [Field: String] = [.fromUser: "victim", .callID: "a"]
    private let probation = Probation(
        newcomers: RateLimit(events: 12, per: .seconds(60)), perUser: RateLimit(events: 24, per: .seconds(120)),
        perSource: RateLimit(events: 300, per: .seconds(60)), logins: 3)
    private let distributed = rule(
        .sourcesTried, key: [.user], 3, per: .seconds(3600), LimitRule.Terms(trusted: .exempt))

    /// A user whose password four sources have guessed.
    private func guessed(probation: Probation?) -> LimitBench {
        let bench = LimitBench([distributed], probation: probation)
        for index in 1...4 {
            bench.report(.authFailed, [.authUser: "victim", .callID: "c\(index)"], from: "203.0.113.\(index)")
        }
        return bench
    }

    @Test("a user whose password many guess is asked to come again from a new address")
    func everywhere() {
        let bench = guessed(probation: probation)
        #expect(bench.check(Self.victim, from: "198.51.100.1") == "sources-tried")
        #expect(bench.check([.fromUser: "other", .callID: "b"], from: "198.51.100.1") == "default")
        bench.now = bench.now + .milliseconds(500)
        #expect(bench.check(Self.victim, from: "198.51.100.1") == "default")
        #expect(bench.check(Self.victim, from: "198.51.100.2") == "sources-tried")
    }

    @Test("not where he has logged in, nor who cannot send again at once, nor a call from his number")
    func spared() {
        let bench = guessed(probation: probation)
        bench.report(.authOK, [.authUser: "victim"], from: "198.51.100.3")
        #expect(bench.check(Self.victim, from: "198.51.100.3") == "default")
        #expect(bench.decide(Self.victim, from: "198.51.100.4", transport: .tls).answer == .pass)
        let call = Self.victim.merging([.method: "INVITE"]) { $1 }
        #expect(bench.check(call, from: "198.51.100.5") == "default")
    }

    @Test("it goes on while it is needed, and then ends", arguments: [(true, "sources-tried"), (false, "default")])
    func ends(isNeeded: Bool, rule: String) {
        let bench = guessed(probation: probation)
        for index in 10..<13 {
            bench.now = bench.now + .seconds(400)
            if isNeeded { bench.check(Self.victim, from: "203.0.113.\(index)") }
        }
        #expect(bench.check(Self.victim, from: "198.51.100.6") == rule)
    }

    @Test("without probation only sources that failed themselves are treated")
    func withoutProbation() {
        let bench = guessed(probation: nil)
        #expect(bench.check(Self.victim, from: "198.51.100.1") == "default")
        #expect(bench.check(Self.victim, from: "203.0.113.4") == "sources-tried")
    }

    @Test("where others have logged in, only the user is treated whose password is guessed", arguments: [true, false])
    func narrow(isTrusted: Bool) {
        let guessing = rule(
            .authFailed, key: [.source, .user], 3, per: .seconds(3600), LimitRule.Terms(trusted: .same))
        let bench = LimitBench([guessing], probation: probation)
        if isTrusted { bench.report(.authOK, [.authUser: "neighbour"]) }
        for index in 0..<4 { bench.report(.authFailed, [.authUser: "victim", .callID: "c\(index)"]) }
        #expect(bench.check(Self.victim) == "auth-failed")
        #expect(bench.check([.fromUser: "newcomer", .callID: "n"]) == (isTrusted ? "default" : "auth-failed"))
        #expect(bench.check([.fromUser: "neighbour", .callID: "o"]) == (isTrusted ? "default" : "auth-failed"))
        #expect(bench.check(Self.victim, from: "198.51.100.8") == "default")
    }

    @Test(
        "a limit may be the same for all",
        arguments: [(.relaxed, 20), (.same, 2), (.exempt, nil)] as [(LimitRule.Favour, Int?)])
    func favour(trusted: LimitRule.Favour, passed: Int?) {
        let bench = LimitBench([
            rule(.requests, key: [.source, .user], 2, per: .seconds(600), LimitRule.Terms(trusted: trusted))
        ])
        bench.report(.authOK, [.authUser: "1"])
        let seen = bench.passed(every: 0, most: 100) { bench, _ in bench.check([.fromUser: "1"]) != "default" }
        #expect(seen == passed)
    }
}

import Testing

@testable import Policy

private let users = rule(.usersTried, 3, per: .seconds(600), purpose: .enumeration)
private let probation = Probation(
    newcomers: RateLimit(events: 2, per: .seconds(60)), perUser: RateLimit(events: 6, per: .seconds(120)),
    perSource: RateLimit(events: 20, per: .seconds(60)), logins: 2)
private let fooling = [Rung(answer: .plain200, times: 3), Rung(answer: .drop, times: nil)]

/// An address from which four users have failed, with a treatment that lets phones come back.
private func office(
    _ rules: [LimitRule] = [users], probation: Probation? = probation, banAfter: Int = 1_000_000
) -> LimitBench {
    let bench = LimitBench(rules, ladder: fooling, banAfter: banAfter, probation: probation)
    for index in 0..<4 { bench.report(.authFailed, [.authUser: "wrong\(index)", .callID: "w\(index)"]) }
    return bench
}

extension LimitBench {
    fileprivate func register(
        _ user: String, _ callID: String? = nil, from source: String = "198.51.100.7", transport: Transport = .udp
    ) -> Answer {
        decide([.fromUser: user, .callID: callID ?? "call of \(user)"], from: source, transport: transport).answer
    }

    fileprivate func wait(_ seconds: Double) { now = now + .microseconds(Int64(seconds * 1_000_000)) }

    /// A request, and the same half a second later.
    fileprivate func registerTwice(_ user: String, _ callID: String? = nil) -> Answer {
        _ = register(user, callID)
        wait(0.5)
        return register(user, callID)
    }
}

@Suite struct ProbationTests {
    @Test(
        "who comes again as a phone does is let in",
        arguments: [(0.1, false), (0.39, false), (0.4, true), (590, true)])
    func comesAgain(later: Double, isLetIn: Bool) {
        let bench = office()
        bench.wait(11)
        #expect(bench.register("1") == .drop)
        bench.wait(later)
        #expect((bench.register("1") == .pass) == isLetIn)
    }

    @Test("another user, Call-ID, source or method is not what came before")
    func isTheSame() {
        let bench = office()
        bench.wait(11)
        _ = bench.register("1")
        bench.wait(1)
        #expect(bench.register("2", "call of 1") == .drop)
        #expect(bench.register("1", "another") == .drop)
        #expect(bench.decide([.method: "INVITE", .fromUser: "1", .callID: "call of 1"]).answer == .drop)
        #expect(bench.decide([.fromUser: "1"]).answer == .drop)
        #expect(bench.register("1") == .pass)
    }

    @Test("a user who was let in may begin another Call-ID, at his own pace")
    func pace() {
        let bench = office()
        bench.wait(11)
        #expect(bench.registerTwice("1") == .pass)
        for index in 0..<5 { #expect(bench.register("1", "new \(index)") == .pass) }
        #expect(bench.register("1", "one more") == .drop)
        bench.wait(20)
        #expect(bench.register("1", "one more") == .pass)
    }

    @Test("only so many newcomers are let in at once, but all who come back after they gave up")
    func newcomers() {
        let bench = office()
        bench.wait(11)
        #expect((0..<5).map { bench.registerTwice("\($0)") } == [.pass, .pass, .drop, .drop, .drop])
        bench.wait(32)
        #expect((2..<5).map { bench.register("\($0)") } == [.pass, .pass, .pass])
    }

    @Test("where a user who was let in does not exist, the door is closed to newcomers for their time")
    func closed() {
        let bench = office()
        bench.wait(11)
        #expect(bench.registerTwice("1") == .pass)
        bench.report(.unknownUser, [.authUser: "1", .callID: "call of 1"])
        #expect(bench.registerTwice("2") == .drop)
        bench.wait(60)
        #expect(bench.registerTwice("3") == .pass)
    }

    @Test("a source's users share a pace as well")
    func perSource() {
        let wide = Probation(
            newcomers: RateLimit(events: 100, per: .seconds(60)), perUser: probation.perUser,
            perSource: RateLimit(events: 3, per: .seconds(600)), logins: 2)
        let bench = office(probation: wide)
        bench.wait(11)
        #expect((0..<5).map { bench.registerTwice("\($0)") } == [.pass, .pass, .pass, .drop, .drop])
    }

    @Test("an answer that is meant for a tool goes to nobody who comes after a pause")
    func noFakes() {
        let bench = office()
        #expect(bench.register("next") == .plain200, "the tool goes on")
        bench.wait(11)
        for index in 0..<10 { #expect(bench.register("late \(index)") == .drop) }
        // Those who were let in fail: that arms nothing again.
        #expect(bench.registerTwice("1") == .pass)
        bench.wait(11)
        for index in 0..<3 { bench.report(.authFailed, [.authUser: "1", .callID: "x\(index)"]) }
        #expect(bench.register("later") == .drop)
    }

    @Test("what holds goes on while those who were let in fail", arguments: [(true, Answer.drop), (false, .pass)])
    func goesOn(fails: Bool, answer: Answer) {
        let bench = office()
        for round in 0..<3 {
            bench.wait(400)
            for user in 0..<4 where fails { bench.report(.authFailed, [.authUser: "\(round).\(user)", .callID: "n"]) }
        }
        #expect(bench.register("stranger") == answer)
    }

    @Test("users who log in for the first time end it")
    func ends() {
        let bench = office()
        bench.wait(11)
        for _ in 0..<5 { bench.report(.authOK, [.authUser: "1"]) }
        #expect(bench.register("stranger") == .drop, "one user, however often")
        bench.report(.authOK, [.authUser: "2"])
        #expect(bench.register("other stranger") == .pass)
    }

    @Test("a phone's retransmissions and returns lead to no ban")
    func noBan() {
        let bench = office(banAfter: 20)
        bench.wait(11)
        for user in 0..<40 {
            for _ in 0..<10 {
                _ = bench.register("\(user)")
                bench.wait(0.5)
            }
        }
        #expect(bench.records.values.allSatisfy { !$0.isBanned(bench.now) })
    }

    @Test("who never comes again is banned, and so is who comes again too often")
    func ban() {
        for texts in [{ "u\($0)" }, { _ in "the same" }] as [(Int) -> String] {
            let bench = office(banAfter: 20)
            bench.wait(11)
            for index in 0..<60 { _ = bench.register(texts(index)) }
            #expect(bench.records.values.allSatisfy { $0.isBanned(bench.now) })
        }
    }

    @Test("nobody is let in past a limit on requests, or where the policy says so")
    func notForAll() {
        let calls = LimitBench([rule(.requests, 3, per: .seconds(600), purpose: .fraud)], probation: probation)
        #expect((0..<5).map { _ in calls.registerTwice("1") }.last == .drop)
        let off = office(probation: nil)
        off.wait(11)
        #expect(off.registerTwice("1") == .plain200)
    }
}

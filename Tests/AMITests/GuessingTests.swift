import Guard
import Policy
import Repeatable
import Testing

@testable import AMI

/// What the built-in policy makes of Asterisk's events alone.
@Suite struct GuessingTests {
    private struct House {
        let state: GuardState
        let decider: Decider
        var session = ManagerSession(account: account)

        init() throws {
            state = try newState()
            decider = Decider(state)
            _ = session.reports(in: (greeting + accepted).utf8)
        }

        mutating func hears(_ text: String) {
            for report in session.reports(in: text.utf8) {
                var facts = RequestFacts(source: report.source)
                facts.transport = report.transport
                facts.nonceIsValid = report.provesSource
                (report.user ?? []).withUnsafeBufferPointer { user in
                    if report.user != nil { facts[.authUser] = user }
                    decider.report(report.outcome, facts)
                }
            }
        }

        func verdict(of source: String = "203.0.113.9") -> Verdict? {
            state.heldTreatment(of: IPAddress(source)!)?.verdict
        }
    }

    @Test func aPasswordGuesserIsKnownByTheNinthWrongPassword() throws {
        var house = try House()
        for guess in 1...8 {
            house.hears(failed("1000", session: "c", response: "r\(guess)"))
            #expect(house.verdict() == nil)
        }
        house.hears(failed("1000", session: "c", response: "r9"))
        #expect(house.verdict() == .ok200)
    }

    @Test func aPhoneWithAnOldPasswordIsNone() throws {
        var house = try House()
        // Its first tries at power-up; later ones come a minute apart and have room again.
        for attempt in 1...6 { house.hears(failed("1000", session: "c", response: "r\(attempt)")) }
        #expect(house.verdict() == nil)
    }

    /// 200 phones behind one address start at once, in 50 different orders; every tenth has a wrong password and tries twice.
    @Test(arguments: 0..<50)
    func anOfficeThatPowersUpIsNotRefused(seed: UInt64) throws {
        var house = try House()
        var random = SeededRandom(seed: seed)
        for phone in 0..<200 { house.hears(event("ChallengeSent", account: "\(2000 + phone)", session: "p\(phone)")) }
        for phone in (0..<200).shuffled(using: &random) {
            let (user, session) = ("\(2000 + phone)", "p\(phone)")
            if phone.isMultiple(of: 10) {
                house.hears(failed(user, session: session, response: "r1"))
                house.hears(failed(user, session: session, response: "r2"))
            } else {
                house.hears(event("SuccessfulAuth", account: user, session: session, "UsingPassword: 1\r\n"))
            }
            #expect(house.verdict() == nil)
        }
    }
}

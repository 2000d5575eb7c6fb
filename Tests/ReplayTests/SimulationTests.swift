import Guard
import Policy
import PolicyFile
import Testing

@testable import Replay

@Suite struct SimulationTests {
    private func instant(_ seconds: Double) -> Instant { Instant(microseconds: Int64(seconds * 1_000_000)) }

    private func document(_ text: String) throws -> PolicyDocument {
        try PolicyDocument.parse(text: "version: 1\nextends: default\n\(text)", name: "test.yaml")
    }

    private func register(_ source: String, user: String, _ body: (RequestFacts) -> Void) {
        let fields: [(field: Field, value: String)] = [(.method, "REGISTER"), (.fromUser, user)]
        SampleRequest(source: IPAddress(source)!, transport: .udp, fields: fields).withFacts(body)
    }

    @Test func enumerationOfAnotherYearIsRecognisedInItsOwnTime() {
        let simulation = Simulation(policy: .builtIn)
        var treated = 0
        for attempt in 0..<60 {
            register("203.0.113.9", user: "\(1000 + attempt)") { facts in
                let now = instant(86_400 * 365 * 30 + Double(attempt) / 10)
                if simulation.check(facts, at: now).answer != .pass { treated += 1 }
                simulation.report(.unknownUser, facts, at: now)
            }
        }
        #expect(treated > 20 && treated < 60)
    }

    @Test func theAddressesOfTheMachineThatReplaysMeanNothing() throws {
        let policy = try document("budget: { per_source: 1000 per 1s }\nban: { after: 5 }")
        func verdicts(own: [Prefix]) -> Set<Verdict> {
            let simulation = Simulation(policy: policy, own: own)
            var seen: Set<Verdict> = []
            for attempt in 0..<100 {
                register("127.0.0.1", user: "\(attempt)") { facts in
                    let now = instant(Double(attempt) / 100)
                    seen.insert(simulation.check(facts, at: now).answer.verdict)
                    simulation.report(.unknownUser, facts, at: now)
                }
            }
            return seen
        }
        #expect(verdicts(own: []).count > 1)
        #expect(verdicts(own: [Prefix(IPAddress("127.0.0.1")!)]) == [.pass])
    }

    @Test(
        "time never goes back, and a gap of any length is soon over",
        arguments: [0.0, 0.5, 1, 599, 601, 86_400, 4e6, 4e9, 9e11])
    func gaps(seconds: Double) {
        let simulation = Simulation(policy: .builtIn)
        for time in [1000, 1000 + seconds, 5, 1001 + seconds] {
            register("203.0.113.9", user: "1") { #expect(simulation.check($0, at: instant(time)).answer == .pass) }
        }
        #expect(simulation.now! <= instant(1001 + seconds) && simulation.now! > instant(999 + seconds))
    }
}

import Dispatch
import JSON
import Synchronization
import Testing

@testable import Guard

@Suite struct ReloadTests {
    /// By these every request of the test is dropped, and by the built-in ones none is.
    private static let strict = """
        version: 1
        signatures:
          - { name: probe, purpose: scan, weight: 100, when: [ user_agent: { equals: probe } ] }
        treatments: [ { name: silence, ladder: [ { answer: drop } ] } ]

        """
    private static let mild = "version: 1\nextends: default\n"

    /// What a thread was told: how often by verdict and rule, and what it waited for longest.
    private struct Told: Sendable {
        var answers: [String: Int] = [:]
        var slowest = Duration.zero
    }

    @Test func everyRequestHasOneOfTwoPoliciesWhileTheyAreReloadedHundredsOfTimes() throws {
        let directory = TemporaryDirectory()
        directory.write(Self.strict, to: "policy.yaml")
        let house = try House(policy: Self.strict, path: directory.file("policy.yaml"))
        let (group, isOver, told) = (DispatchGroup(), Flag(), Results())
        for worker in 0..<4 {
            let state = house.state
            DispatchQueue(label: "asks \(worker)").async(group: group) {
                let mine = Self.ask(House.connection(to: state, role: .ask), worker, until: isOver)
                told.all.withLock { $0.append(mine) }
            }
        }
        let reloads = 400
        for turn in 1...reloads {
            directory.write(turn.isMultiple(of: 2) ? Self.strict : Self.mild, to: "policy.yaml")
            #expect(try house.call("policy.reload")["path"] != nil)
        }
        isOver.value.store(true, ordering: .relaxed)
        group.wait()
        let all = told.all.withLock { $0 }
        let answers = all.reduce(into: [:]) { sum, told in sum.merge(told.answers, uniquingKeysWith: +) }
        #expect(Set(answers.keys) == ["drop by probe", "pass by default"], "\(answers)")
        // Many of both, so that they were asked in between.
        #expect(all.count == 4 && answers.values.allSatisfy { $0 > reloads }, "\(answers)")
        let stats = try house.call("stats.get")
        #expect(stats["requests"]?["total"]?.int64 == Int64(answers.values.reduce(0, +)))
        #expect(stats["policy"]?["reloads"]?.int64 == Int64(reloads))
        // A policy takes some milliseconds to read, and a machine may be busy; who waits for a reload would be seen with many.
        let slowest = all.map(\.slowest).max() ?? .zero
        #expect(slowest < .seconds(5), "\(slowest)")
    }

    private static func ask(_ connection: House, _ worker: Int, until isOver: Flag) -> Told {
        var (told, number) = (Told(), 0)
        while !isOver.value.load(ordering: .relaxed) {
            number += 1
            let source = "10.\(worker * 64 + number >> 16).\(number >> 8 & 255).\(number & 255)"
            let request: JSONValue = ["source_ip": .string(source), "method": "REGISTER", "user_agent": "probe"]
            let begin = ContinuousClock.now
            let answer = try? connection.call("guard.check", request)
            told.slowest = max(told.slowest, ContinuousClock.now - begin)
            let (verdict, rule) = (answer?["verdict"]?.string ?? "none", answer?["rule"]?.string ?? "none")
            told.answers["\(verdict) by \(rule)", default: 0] += 1
        }
        return told
    }

    private final class Flag: Sendable { let value = Atomic<Bool>(false) }

    private final class Results: Sendable { let all = Mutex<[Told]>([]) }
}

import Glibc
import Guard
import JSON
import Policy
import PolicyFile
import Testing

@testable import Replay

@Suite struct RerunTests {
    private func document(_ text: String) throws -> PolicyDocument {
        try PolicyDocument.parse(text: "version: 1\nextends: default\n\(text)", name: "test.yaml")
    }

    private func event(_ source: String, user: String, agent: String = "phone", at seconds: Double = 1) -> RecordedEvent
    {
        var request = RecordedRequest(source: IPAddress(source)!)
        request.set(.method, "REGISTER".utf8)
        request.set(.fromUser, user.utf8)
        request.set(.userAgent, agent.utf8)
        return RecordedEvent(at: Instant(microseconds: Int64(seconds * 1_000_000)), kind: .request, request: request)
    }

    @Test func theLoudestTreatedSourceStandsFirst() {
        let rerun = Rerun(policy: .builtIn)
        for _ in 0..<5 { rerun.take(event("203.0.113.1", user: "1000")) }
        for _ in 0..<3 { rerun.take(event("203.0.113.2", user: "1000", agent: "friendly-scanner", at: 2)) }
        let result = rerun.result(top: 1)
        #expect(result["requests"] == 8 && result["seconds"] == 1 && result["begins"] == "1970-01-01T00:00:01Z")
        #expect(result["verdicts"]?["pass"] == 5 && result["sources_seen"] == 2)
        #expect(result["sources"]?.array?.count == 1 && result["sources"]?[0]?["source"] == "203.0.113.2")
        #expect(result["sources"]?[0]?["first_treated"] == 1 && result["recorded"] == nil)
        #expect(result["rules"]?.object?.members.reduce(0) { $0 + ($1.value.int64 ?? 0) } == 3)
    }

    @Test func aComparisonSaysWhoIsTreatedDifferentlyAndHow() throws {
        let strict = try document(
            """
            signatures:
              - { name: ua-phone, purpose: scan, weight: 100, when: [{ user_agent: { equals: phone } }] }
            """)
        let rerun = Rerun(policy: .builtIn, other: strict)
        for _ in 0..<4 { rerun.take(event("203.0.113.1", user: "1000")) }
        rerun.take(event("203.0.113.2", user: "1001", agent: "other"))
        let comparison = try #require(rerun.result(top: 9)["comparison"])
        #expect(comparison["requests"] == 4 && comparison["sources_differing"] == 1 && !rerun.isSame)
        #expect(comparison["sources"]?[0]?["source"] == "203.0.113.1" && comparison["users"]?[0]?["user"] == "1000")
        let change = comparison["sources"]?[0]?["changes"]?[0]
        #expect(change?["from"] == "pass" && change?["rule_to"] == "ua-phone")
        let same = Rerun(policy: .builtIn, other: .builtIn)
        for _ in 0..<200 { same.take(event("203.0.113.2", user: "1000", agent: "friendly-scanner")) }
        #expect(same.isSame)
    }

    /// What was decided by a daemon is decided by a replay of its log, password guesser and phones alike.
    @Test func aReplayOfADecisionLogDecidesAsThen() throws {
        let path = "/tmp/sipguardd-replay-log-\(getpid()).jsonl"
        defer { unlink(path) }
        let log = DecisionLog(DecisionLog.Settings(path: path))
        let policy = LoadedPolicy(document: .builtIn, path: nil, loadedAt: Clock.now, own: [])
        let decider = Decider(GuardState(policy: policy, memory: 4 << 20, version: "test", decisionLog: log))
        let start = Clock.now
        let tag = "1000:s3cret\u{1}1234567890".utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var verdicts: [Verdict: Int] = [:]
        for turn in 0..<200 {
            let at = start + .milliseconds(turn * 100)
            var guess = event("203.0.113.1", user: "1000").request
            guess.set(.fromTag, tag.utf8)
            for (request, outcome) in [
                (guess, Outcome.authFailed), (event("203.0.113.2", user: "2\(turn)").request, .unknownUser),
                (event("203.0.113.3", user: "3000").request, .authOK),
            ] {
                request.withFacts { facts in
                    verdicts[decider.check(facts, at: at).answer.verdict, default: 0] += 1
                    decider.report(outcome, facts, at: at)
                }
            }
        }
        #expect(DecisionLogWriter(log).write() == nil && log.lost == 0)
        let rerun = Rerun(policy: .builtIn)
        let reading = try Recording(path: path).read(servers: nil) { rerun.take($0) }
        let result = rerun.result(top: 10)
        #expect(reading.badLines == 0 && result["recorded"] == ["same": 600, "different": 0])
        for (verdict, count) in verdicts { #expect(result["verdicts"]?[verdict.name]?.int64 == Int64(count)) }
        #expect(verdicts.count > 1 && result["reports"]?["auth_failed"] == 200)
    }

    /// What a feed said is in the log, so a replay needs no list.
    @Test func whatAFeedSaidThenIsReplayed() throws {
        let path = "/tmp/sipguardd-replay-feeds-\(getpid()).jsonl"
        defer { unlink(path) }
        let log = DecisionLog(DecisionLog.Settings(path: path))
        let feed = "{ name: list, path: /never, weight: 100 }"
        let fed = try document("feeds: [{ name: other, path: /none, list: allow }, \(feed)]\n")
        let state = GuardState(
            policy: LoadedPolicy(document: fed, path: nil, loadedAt: Clock.now, own: []), memory: 4 << 20,
            version: "test", decisionLog: log)
        let content = FeedContent(prefixes: [Prefix("203.0.113.0/28")!], badLines: [], badCount: 0)
        state.feed(state.feedRules[1], holds: content, nextTry: Clock.now + .seconds(600))
        let decider = Decider(state)
        for source in ["203.0.113.1", "203.0.113.2", "198.51.100.9"] {
            event(source, user: "1").request.withFacts { _ = decider.check($0) }
        }
        #expect(DecisionLogWriter(log).write() == nil)
        let rerun = Rerun(policy: fed, other: try document("feeds: [\(feed.replacing("100", with: "40"))]\n"))
        _ = try Recording(path: path).read(servers: nil) { rerun.take($0) }
        let result = rerun.result(top: 10)
        #expect(result["recorded"] == ["same": 3, "different": 0] && result["rules"]?["list"] == 2)
        #expect(result["comparison"]?["sources_differing"] == 2)
    }
}

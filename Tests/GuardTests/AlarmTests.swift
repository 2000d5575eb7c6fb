import JSON
import Policy
import Testing

@testable import Guard

@Suite struct AlarmTests {
    private let start = Instant(microseconds: 1_000_000_000)

    private func judge(_ alarms: Alarms, _ requests: UInt64, _ reports: UInt64, at seconds: Int) -> [String] {
        _ = alarms.judge(requests: requests, reports: reports, others: [], now: start + .seconds(seconds))
        return alarms.raised.map(\.name)
    }

    @Test func silenceIsAnAlarmFromTheStartAndAfterTheLastRequest() {
        let alarms = Alarms()
        #expect(judge(alarms, 0, 0, at: 0) == [] && judge(alarms, 0, 0, at: 599) == [])
        #expect(judge(alarms, 0, 0, at: 600) == ["no-requests"])
        #expect(judge(alarms, 1, 1, at: 100_001) == [] && judge(alarms, 1, 1, at: 100_600) == [])
        #expect(judge(alarms, 1, 1, at: 100_601) == ["no-requests"])
        #expect(judge(alarms, 2, 1, at: 100_700) == [])
    }

    @Test func whereOnlyReportsComeNobodyIsMissed() {
        let alarms = Alarms()
        #expect(judge(alarms, 0, 0, at: 0) == [] && judge(alarms, 0, 1, at: 100_000) == [])
        #expect(judge(alarms, 0, 1, at: 200_000) == [])
    }

    @Test func manyRequestsWithoutAReportAreAnAlarm() {
        let alarms = Alarms()
        #expect(judge(alarms, 0, 0, at: 0) == [] && judge(alarms, 99, 0, at: 3600) == [])
        #expect(judge(alarms, 100, 0, at: 3601) == ["no-reports"])
        #expect(judge(alarms, 101, 1, at: 3602) == [])
        #expect(judge(alarms, 300, 1, at: 3700) == [])
    }

    @Test func eachChangeIsToldOnce() {
        let alarms = Alarms()
        _ = judge(alarms, 1, 1, at: 0)
        var told: [String] = []
        for second in 590..<620 {
            let (begun, over) = alarms.judge(
                requests: second == 610 ? 2 : second > 610 ? 2 : 1, reports: 1, others: [],
                now: start + .seconds(second))
            told += begun.map { "+\($0.name)" } + over.map { "-\($0.name)" }
        }
        #expect(told == ["+no-requests", "-no-requests"])
    }

    @Test func proxiesThatAskNobodyAreCountedByNode() throws {
        let house = try House()
        for _ in 0..<2 {
            try house.call(
                "guard.check", ["source_ip": "203.0.113.7", "method": "OPTIONS", "node": "sbc1", "failed_open": 20])
        }
        house.state.maintain()
        let stats = try house.call("stats.get")
        #expect(stats["failed_open"]?["sbc1"] == 40)
        #expect(stats["alarms"]?[0]?["alarm"] == "fails-open" && stats["alarms"]?[0]?["subject"] == "sbc1")
        house.state.maintain(now: Clock.now + .seconds(601))
        let later = try #require(try house.call("stats.get")["alarms"]?.array)
        #expect(later.map { $0["alarm"] } == ["no-requests"])
    }

    @Test func nodesAreBounded() {
        let alarms = Alarms()
        for node in 0..<1000 { alarms.passedUnasked(1, node: "node\(node)", now: start) }
        #expect(alarms.unasked.count == 64)
    }

    /// NethServer/dev#7481: after a change of the log's form CrowdSec banned nobody, and nobody noticed.
    @Test func aRuleOfOnesOwnThatMatchesNothingIsAnAlarm() throws {
        let house = try House(
            policy: """
                version: 1
                extends: default
                signatures:
                  - { name: mine, purpose: scan, weight: 10, when: [{ user_agent: { prefix: probe } }] }
                  - { name: slip, purpose: scan, weight: 10, when: [{ user_agent: { prefix: prob1e } }] }
                  - { name: unused, mode: off, purpose: scan, weight: 10, when: [{ user_agent: { prefix: x } }] }
                  - { name: ua-vague-names, mode: shadow }
                contents:
                  - { name: text, purpose: fraud, weight: 10, when: [{ ruri: { dialled: "979" } }] }
                limits:
                  - { name: rate, count: requests, limit: 1 per 1s burst 1000, purpose: flood }

                """)
        func alarms(after days: Int) -> Set<String> {
            house.state.maintain(now: Clock.now + .seconds(days * 86_400))
            return Set(house.state.alarms.raised.filter { $0.name == "never-matched" }.map(\.subject))
        }
        let request: JSONValue = ["source_ip": "203.0.113.7", "method": "OPTIONS", "user_agent": "probe 1"]
        for _ in 0..<99 { try house.call("guard.check", request) }
        #expect(alarms(after: 8) == [], "too few requests to tell")
        try house.call("guard.check", request)
        #expect(alarms(after: 6) == [])
        #expect(alarms(after: 7) == ["slip", "text", "rate"])
        try house.call("guard.check", ["source_ip": "203.0.113.8", "method": "OPTIONS", "user_agent": "prob1e"])
        #expect(alarms(after: 8) == ["text", "rate"])
    }

    @Test func whatNeverMatchedIsListed() throws {
        let house = try House()
        let before = try #require(try house.call("stats.get")["never_matched"]?.array)
        try house.call(
            "guard.check", ["source_ip": "203.0.113.7", "method": "OPTIONS", "user_agent": "friendly-scanner"])
        let after = try #require(try house.call("stats.get")["never_matched"]?.array)
        #expect(!after.isEmpty && after.count < before.count)
    }
}

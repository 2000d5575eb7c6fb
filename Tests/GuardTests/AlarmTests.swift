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

    @Test func silenceIsAnAlarmOnlyAfterThereWereRequests() {
        let alarms = Alarms()
        #expect(judge(alarms, 0, 0, at: 0) == [] && judge(alarms, 0, 0, at: 100_000) == [])
        #expect(judge(alarms, 1, 1, at: 100_001) == [] && judge(alarms, 1, 1, at: 100_600) == [])
        #expect(judge(alarms, 1, 1, at: 100_601) == ["no-requests"])
        #expect(judge(alarms, 2, 1, at: 100_700) == [])
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

    @Test func whatNeverMatchedIsListed() throws {
        let house = try House()
        let before = try #require(try house.call("stats.get")["never_matched"]?.array)
        try house.call(
            "guard.check", ["source_ip": "203.0.113.7", "method": "OPTIONS", "user_agent": "friendly-scanner"])
        let after = try #require(try house.call("stats.get")["never_matched"]?.array)
        #expect(!after.isEmpty && after.count < before.count)
    }
}

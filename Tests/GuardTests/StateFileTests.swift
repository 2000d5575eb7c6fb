import JSON
import Testing

@testable import Guard

@Suite struct StateFileTests {
    let directory = TemporaryDirectory()

    private func house(_ name: String = "state.json") throws -> House {
        try House(stateFile: StateFile(path: directory.file(name)))
    }

    @Test func bansAndAllowedEntriesOutliveARestart() throws {
        let first = try house()
        try first.call("ban.add", ["address": "203.0.113.0/24", "duration": "1h", "comment": "why \"so\"", "by": "me"])
        try first.call("allow.add", ["address": "2001:db8::/32"])
        for _ in 0..<300 {
            _ = try first.verdict(["source_ip": "198.51.100.9", "method": "OPTIONS", "user_agent": "friendly-scanner"])
        }
        first.state.maintain()

        let second = try house()
        #expect(try second.state.restore() == (bans: 2, allowed: 1))
        let bans = try second.call("ban.list")["bans"]
        #expect(bans?[0]?["comment"] == "why \"so\"" && bans?[0]?["until"] != .null)
        #expect(bans?[1]?["address"] == "198.51.100.9" && bans?[1]?["rule"] == "ua-friendly-scanner")
        #expect(try second.verdict(["source_ip": "198.51.100.9", "method": "OPTIONS"]) == "drop")
        #expect(try second.call("allow.list")["total"] == 1)
    }

    @Test func nothingSavedIsNothingRestored() throws {
        #expect(try house().state.restore() == (bans: 0, allowed: 0))
    }

    @Test(arguments: ["", "{", "[]", "{\"version\": 2}", "\u{0}"])
    func aDamagedFileIsSaidAndNotUsed(text: String) throws {
        directory.write(text, to: "state.json")
        let house = try house()
        #expect(throws: StateFileProblem.self) { try house.state.restore() }
        #expect(try house.verdict(["source_ip": "192.0.2.1", "method": "OPTIONS"]) == "pass")
    }

    @Test(arguments: [Int64.max, Int64.min])
    func timesBeyondAllCalendarsAreNoDanger(seconds: Int64) throws {
        let times = #""since": \#(seconds), "until": \#(Int64.max)"#
        directory.write(
            #"{"version": 1, "ban": [{"address": "203.0.113.1", \#(times)}], "#
                + #""banned_sources": [{"address": "203.0.113.2", \#(times)}]}"#, to: "state.json")
        let house = try house()
        #expect(try house.state.restore() == (bans: 2, allowed: 0))
        #expect(try house.call("ban.list")["total"] == 2)
        #expect(try house.verdict(["source_ip": "203.0.113.2", "method": "OPTIONS"]) == "drop")
    }

    @Test func whatCannotBeSavedIsSaidOnceAndTriedAgain() throws {
        let house = try House(stateFile: StateFile(path: directory.file("missing/state.json")))
        try house.call("ban.add", ["address": "203.0.113.1"])
        _ = house.state.drainEvents()
        for _ in 0..<3 { house.state.maintain() }
        let complaints = house.state.drainEvents().events.filter { if case .stateNotSaved = $0 { true } else { false } }
        #expect(complaints.count == 1)
        #expect(try house.call("stats.get")["errors"]?["state_not_saved"]?.string?.isEmpty == false)
        #expect(try house.verdict(["source_ip": "203.0.113.1", "method": "OPTIONS"]) == "drop")
    }
}

import JSON
import Policy
import Testing

@testable import Guard

@Suite struct StateFileTests {
    let directory = TemporaryDirectory()

    private func house(_ name: String = "state.json") throws -> House {
        try House(stateFile: StateFile(path: directory.file(name)))
    }

    @Test func bansAndAllowedEntriesOutliveARestart() throws {
        let first = try house()
        try first.call(
            "ban.add", ["address": "203.0.113.0/24", "duration": "1h", "comment": "why\t\"so\"\n\\", "by": "me"])
        try first.call("allow.add", ["address": "2001:db8::/32"])
        for _ in 0..<300 {
            _ = try first.verdict(["source_ip": "198.51.100.9", "method": "OPTIONS", "user_agent": "friendly-scanner"])
        }
        first.state.maintain()

        let second = try house()
        #expect(try second.state.restore() == (bans: 2, allowed: 1))
        let bans = try second.call("ban.list")["bans"]
        #expect(bans?[0]?["comment"] == "why\t\"so\"\n\\" && bans?[0]?["until"] != .null)
        #expect(bans?[1]?["address"] == "198.51.100.9" && bans?[1]?["rule"] == "ua-friendly-scanner")
        #expect(try second.verdict(["source_ip": "198.51.100.9", "method": "OPTIONS"]) == "drop")
        #expect(try second.call("allow.list")["total"] == 1)
    }

    @Test func nothingSavedIsNothingRestored() throws {
        #expect(try house().state.restore() == (bans: 0, allowed: 0))
    }

    @Test(arguments: [
        "", "{", "[]", "{\"version\": 2}", "\u{0}", "sipguardd-state\t2\n", "sipguardd-state\t3\nend\t2\n",
    ])
    func aDamagedFileIsSaidAndNotUsed(text: String) throws {
        directory.write(text, to: "state.json")
        let house = try house()
        #expect(throws: StateFileProblem.self) { try house.state.restore() }
        #expect(try house.verdict(["source_ip": "192.0.2.1", "method": "OPTIONS"]) == "pass")
    }

    @Test func aFileOfVersion1IsReadAndWrittenAnew() throws {
        let times = #""since": 1790000000, "until": 4000000000"#
        directory.write(
            """
            {"version": 1,
             "allow_names": [{"name": "phone.example.net", "since": 1790000000, "until": null, "comment": "", "by": "me"}],
             "allow": [{"address": "2001:db8::/32", "since": 1790000000, "until": null, "comment": "", "by": "me"}],
             "ban": [{"address": "203.0.113.0/24", \(times), "comment": "why", "by": "me"}],
             "banned_sources": [{"address": "198.51.100.9", \(times), "count": 2, "proven": true, "rule": 7}]}
            """, to: "state.json")
        for _ in 0..<2 {
            let house = try house()
            #expect(try house.state.restore() == (bans: 2, allowed: 1))
            #expect(house.state.wantedNames.map(\.name) == ["phone.example.net"])
            #expect(try house.call("ban.list")["bans"]?[0]?["comment"] == "why")
            let record = try #require(house.state.sources.record(of: IPAddress(v4: 0xC633_6409)))
            #expect(record.banCount == 2 && record.isProven && record.flood.rule.rawValue == 7)
            house.state.maintain()
            #expect(
                directory.read("state.json").hasPrefix("sipguardd-state\t2\nname\tphone.example.net\t1790000000\t-\t"))
        }
    }

    @Test(arguments: [
        "source\t203.0.113.2", "source\tno address\t1\t2\t1\t0\t0", "ban\t203.0.113.0/33\t1\t-\tme\twhy", "bans",
        "ban\t203.0.113.1\t1\t-\tme\thalf an escape\\", "name\tnot a name\t1\t-\tme\twhy", "",
        "source\t203.0.113.2\t1\t1234567890123456789\t1\t0\t0",
    ])
    func aLineThatIsNotUnderstoodIsNamed(line: String) throws {
        directory.write("sipguardd-state\t2\nallow\t2001:db8::/32\t1\t-\tme\t\n\(line)\nend\t4\n", to: "state.json")
        let house = try house()
        let problem = #expect(throws: StateFileProblem.self) { try house.state.restore() }
        #expect(problem?.description == "\(directory.file("state.json")):3: not a line of a state file")
        #expect(try house.call("allow.list")["total"] == 0)
    }

    @Test func onlyBansThatFoundAPlaceAreCounted() throws {
        let lines = (1...30_000).map { number in
            "source\t\(IPAddress(v4: 0x0100_0001 + UInt32(number) << 8))\t1\t4000000000\t1\t1\t7\n"
        }
        directory.write("sipguardd-state\t2\n\(lines.joined())end\t30002\n", to: "state.json")
        let house = try house()
        let (bans, _) = try house.state.restore()
        #expect(bans < 30_000)
        #expect(bans == house.state.sources.compactMap { $0.isBanned(Clock.now) ? true : nil }.count)
    }

    @Test func halfAFileIsKnownAsOne() throws {
        let entry = AddressEntry(prefix: Prefix("2001:db8::/32")!, since: .never, until: nil, comment: "a", by: "b")
        let whole = SavedState(names: [], allowed: [entry], banned: [entry], sources: []).text
        func entries(_ text: ArraySlice<UInt8>) throws(SavedState.Damage) -> Int {
            try Array(text).span.withUnsafeBufferPointer { bytes throws(SavedState.Damage) in
                let saved = try SavedState(reading: bytes)
                return saved.allowed.count + saved.banned.count
            }
        }
        #expect(try entries(whole[...]) == 2)
        for end in whole.indices {
            #expect(throws: SavedState.Damage.self) { try entries(whole[..<end]) }
        }
        #expect(throws: SavedState.Damage.self) { try entries(whole + [0x0A]) }
    }

    @Test(arguments: [-999_999_999_999_999_999, 999_999_999_999_999_999])
    func timesBeyondAllCalendarsAreNoDangerInLines(seconds: Int64) throws {
        let times = "\(seconds)\t999999999999999999"
        directory.write(
            "sipguardd-state\t2\nban\t203.0.113.1\t\(times)\tme\t\nsource\t203.0.113.2\t\(times)\t999\t1\t99999999999\nend\t4\n",
            to: "state.json")
        let house = try house()
        #expect(try house.state.restore() == (bans: 2, allowed: 0))
        #expect(try house.call("ban.list")["total"] == 2)
        #expect(try house.verdict(["source_ip": "203.0.113.2", "method": "OPTIONS"]) == "drop")
        house.state.maintain()
        #expect(try self.house().state.restore() == (bans: 2, allowed: 0))
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

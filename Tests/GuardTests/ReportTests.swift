import JSON
import Policy
import Testing

@testable import Guard

@Suite struct ReportTests {
    let house: House
    init() throws { house = try House() }

    private func report(_ outcome: String, user: String, from source: String = "203.0.113.50") throws {
        try house.call(
            "guard.report", ["source_ip": .string(source), "outcome": .string(outcome), "user": .string(user)])
    }

    @Test func enumerationIsSeenFromReportsAlone() throws {
        for user in 0..<40 { try report("unknown_user", user: "\(1000 + user)") }
        #expect(try house.verdict(["source_ip": "203.0.113.50", "method": "REGISTER", "from_user": "1040"]) != "pass")
        #expect(try house.call("source.show", ["source": "203.0.113.50"])["failures"]?["unknown_user"] == 40)
        #expect(try house.call("stats.get")["reports"]?["unknown_user"] == 40)
    }

    @Test func guessingIsSeenFromReportsAlone() throws {
        for _ in 0..<100 { try report("auth_failed", user: "1001") }
        #expect(try house.verdict(["source_ip": "203.0.113.50", "method": "REGISTER", "from_user": "1001"]) != "pass")
    }

    /// An office of 500 phones behind one address comes back after a power cut; some mistype.
    @Test func anOfficeThatComesBackIsNotRefused() throws {
        for phone in 0..<500 {
            let user = "\(2000 + phone)"
            let register: JSONValue = [
                "source_ip": "203.0.113.50", "method": "REGISTER", "from_user": .string(user), "transport": "udp",
            ]
            #expect(try house.verdict(register) == "pass")
            try report("challenged", user: user)
            if phone.isMultiple(of: 40) {
                #expect(try house.verdict(register) == "pass")
                try report("auth_failed", user: user)
            }
            #expect(try house.verdict(register) == "pass")
            try report("auth_ok", user: user)
        }
        let stats = try house.call("stats.get")
        #expect(stats["requests"]?["pass"] == stats["requests"]?["total"])
        #expect(try house.call("source.show", ["source": "203.0.113.50"])["trust"]?["trusted"] == true)
    }

    @Test func theLoudestSourcesComeFirst() throws {
        for (source, count) in [("203.0.113.1", 3), ("203.0.113.2", 9), ("203.0.113.3", 6)] {
            for _ in 0..<count { _ = try house.verdict(["source_ip": .string(source), "method": "OPTIONS"]) }
        }
        try report("auth_failed", user: "1", from: "203.0.113.1")
        let top = try house.call("stats.top", ["limit": 2])
        #expect(top["sources"]?.array?.compactMap { $0["source"]?.string } == ["203.0.113.2", "203.0.113.3"])
        let failing = try house.call("stats.top", ["by": "failures"])
        #expect(failing["sources"]?.array?.count == 1 && failing["sources"]?[0]?["source"] == "203.0.113.1")
        #expect(try house.call("stats.top", ["by": "colour"])["data"]?["param"] == "by")
        #expect(try house.call("stats.top", ["limit": 101])["data"]?["param"] == "limit")
    }

    @Test(
        arguments: [
            ["source_ip": "203.0.113.50"], ["source_ip": "203.0.113.50", "outcome": "fine"],
            ["source_ip": "203.0.113.50", "outcome": 7], ["outcome": "auth_ok"],
        ] as [JSONValue])
    func badReportsAreRefused(params: JSONValue) throws {
        #expect(try house.call("guard.report", params)["code"] == -32602)
        #expect(try house.answer(#"{"jsonrpc":"2.0","method":"guard.report","params":\#(params.text)}"#) == nil)
    }

    @Test func aFloodThatGoesSilentIsCountedAsStopped() throws {
        for _ in 0..<2 {
            _ = try house.verdict(["source_ip": "203.0.113.9", "method": "REGISTER", "user_agent": "friendly-scanner"])
        }
        house.state.maintain(now: Clock.now + .seconds(5))
        #expect(try house.call("stats.get")["floods"]?["stopped"] == 0)
        house.state.maintain(now: Clock.now + .seconds(11))
        house.state.maintain(now: Clock.now + .seconds(12))
        #expect(try house.call("stats.get")["floods"] == ["seen": 1, "stopped": 1, "banned": 0, "median_answers": 2])
    }
}

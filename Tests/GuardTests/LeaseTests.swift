import JSON
import Policy
import Testing

@testable import Guard

/// Leases as a proxy sees them, and what becomes of what it answers under them.
@Suite struct LeaseTests {
    private func flood(_ count: Int = 1, from source: String = "198.51.100.7") -> JSONValue {
        [
            "source_ip": .string(source), "method": "REGISTER", "user_agent": "friendly-scanner",
            "count": .int(Int64(count)),
        ]
    }

    private func dropped(_ count: Int, from source: String = "198.51.100.7") -> JSONValue {
        ["source_ip": .string(source), "outcome": "dropped", "count": .int(Int64(count))]
    }

    private func key(_ house: House, _ params: JSONValue) throws -> String? {
        let result = try house.call("guard.check", params)
        #expect((result["ttl"] == 1000) == (result["key"] != nil))
        #expect((result["key"] == "source_user_agent") == (result["user_agent"] == "friendly-scanner"))
        return result["key"]?.string
    }

    @Test("a scanner's User-Agent is leased once it is met with silence, its source once it is banned") func keys()
        throws
    {
        let house = try House()
        let keys = try (1...110).map { _ in try key(house, flood()) }
        #expect(keys[..<5].allSatisfy { $0 == nil })
        #expect(keys[5..<99].allSatisfy { $0 == "source_user_agent" })
        #expect(keys[99...].allSatisfy { $0 == "source" })
    }

    @Test("counters and the incident of a leased flood are exact to the message") func exact() throws {
        let house = try House()
        for _ in 1...6 { try house.call("guard.check", flood()) }
        try house.call("guard.report", dropped(40))
        try house.call("guard.check", flood())
        try house.call("guard.report", dropped(100_000))
        try house.call("guard.check", flood())
        try house.call("guard.report", dropped(7))
        let total = 6 + 40 + 1 + 100_000 + 1 + 7
        let incidents = try #require(try house.call("incident.list")["incidents"]?.array)
        #expect(incidents.count == 1)
        #expect(incidents[0]["messages"] == .int(Int64(total)) && incidents[0]["answers"] == 5)
        #expect(incidents[0]["messages_after_answer"] == .int(Int64(total - 1)) && incidents[0]["bans"] == 1)
        let source = try house.call("source.show", ["source": "198.51.100.7"])
        #expect(source["requests"] == .int(Int64(total)) && source["dropped"] == .int(Int64(total - 5)))
        let stats = try house.call("stats.get")
        #expect(stats["requests"]?["total"] == .int(Int64(total)))
        #expect(stats["requests"]?["drop"] == .int(Int64(total - 5)) && stats["reports"]?["dropped"] == 100_047)
    }

    @Test("a count with the next question does the same") func counted() throws {
        let house = try House()
        for _ in 1...6 { try house.call("guard.check", flood()) }
        try house.call("guard.check", flood(500))
        let incident = try #require(try house.call("incident.list")["incidents"]?.array?.first)
        #expect(incident["messages"] == 506 && incident["answers"] == 5 && incident["bans"] == 1)
    }

    @Test(
        "nothing is leased once the reason is gone",
        arguments: [
            ("source.forget", ["source": "198.51.100.7"]), ("ban.remove", ["address": "198.51.100.7"]),
            ("allow.add", ["address": "198.51.100.7"]),
        ] as [(String, JSONValue)])
    func ends(method: String, params: JSONValue) throws {
        let house = try House()
        try house.call("ban.add", ["address": "198.51.100.7", "duration": "1h"])
        let phone: JSONValue = ["source_ip": "198.51.100.7", "method": "REGISTER", "user_agent": "Phone"]
        #expect(try key(house, phone) == "source")
        try house.call(method, params)
        #expect(try house.call("guard.check", phone)["ttl"] == 0)
    }

    @Test("a policy without leases asks for every request") func off() throws {
        let house = try House(policy: "version: 1\nextends: default\nlease: { ttl: 0s }\n")
        for _ in 1...150 { #expect(try house.call("guard.check", flood())["ttl"] == 0) }
    }

    @Test("policy.test tells the lease as well") func tested() throws {
        let house = try House()
        try house.call("ban.add", ["address": "198.51.100.7", "duration": "1h"])
        let request: JSONValue = ["request": ["source_ip": "198.51.100.7", "method": "OPTIONS"]]
        #expect(try house.call("policy.test", request)["verdict"]?["key"] == "source")
    }
}

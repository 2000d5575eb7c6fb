import JSON
import Policy
import Testing

@testable import Guard

/// Floods as an operator reads about them.
@Suite struct IncidentTests {
    private func probe(_ source: String, agent: String = "friendly-scanner") -> JSONValue {
        ["source_ip": .string(source), "method": "REGISTER", "user_agent": .string(agent), "from_user": "100"]
    }

    private func incidents(_ house: House, _ params: JSONValue = [:]) throws -> [JSONValue] {
        try #require(try house.call("incident.list", params)["incidents"]?.array)
    }

    @Test("one tool over many sources is one incident, exact to the message") func distributed() throws {
        let house = try House()
        for source in 1...30 {
            for _ in 1...3 { try house.call("guard.check", probe("198.51.100.\(source)")) }
        }
        let all = try incidents(house)
        #expect(all.count == 1)
        #expect(all[0]["sources"] == 30 && all[0]["messages"] == 90 && all[0]["messages_before"] == 0)
        #expect(all[0]["answers"] == 90 && all[0]["messages_after_answer"] == 60)
        #expect(all[0]["status"] == "active" && all[0]["seconds_to_silence"] == .null)
        let stats = try house.call("stats.get")["incidents"]
        #expect(stats?["seen"] == 1 && stats?["active"] == 1 && stats?["silent"] == 0)
    }

    @Test("the messages before recognition are counted, and those that a ban ends") func phases() throws {
        let house = try House(
            policy: "version: 1\nextends: default\nban: { after: 5 }\nbudget: { per_source: 2 per 1m }\n")
        for _ in 1...4 { try house.call("guard.check", probe("198.51.100.7", agent: "Phone")) }
        for _ in 1...9 { try house.call("guard.check", probe("198.51.100.7")) }
        let incident = try #require(try incidents(house).first)
        #expect(incident["messages_before"] == 4 && incident["messages"] == 9 && incident["answers"] == 2)
        #expect(incident["messages_after_answer"] == 8 && incident["bans"] == 1 && incident["tool"] == "sipvicious")
    }

    @Test("many sources that a limit on one user caught are one incident with a target") func target() throws {
        let house = try House(
            policy: """
                version: 1
                extends: default
                limits:
                  - { name: one-user, key: [user], count: auth_failed, limit: 2 per 1h, purpose: cracking }
                """)
        for source in 1...6 {
            try house.call(
                "guard.report",
                ["source_ip": .string("198.51.100.\(source)"), "outcome": "auth_failed", "user": "2001"])
        }
        let incident = try #require(try incidents(house).first)
        #expect(incident["target"] == "2001" && incident["sources"] == 4 && incident["rule"] == "one-user")
        #expect(incident["messages"] == 0 && incident["tool"] == .null && incident["purpose"] == "cracking")
    }

    @Test("an incident is shown with its sources, and found from each of them") func shown() throws {
        let house = try House()
        for _ in 1...2 { try house.call("guard.check", probe("198.51.100.7")) }
        try house.call("guard.check", probe("198.51.100.8"))
        let source = try house.call("source.show", ["source": "198.51.100.7"])
        let id = try #require(source["treatment"]?["incident"])
        let shown = try house.call("incident.show", ["incident": id])
        #expect(shown["incident"] == id)
        let sources = try #require(shown["source_list"]?.array)
        #expect(sources.map { $0["source"] } == ["198.51.100.7", "198.51.100.8"])
        #expect(sources.map { $0["messages"] } == [2, 1])
        try house.call("source.forget", ["source": "198.51.100.7"])
        let later = try #require(try house.call("incident.show", ["incident": id])["source_list"]?.array)
        #expect(later.map { $0["source"] } == ["198.51.100.8", "198.51.100.7"] && later[1]["messages"] == nil)
    }

    @Test("it is silent after the quiet time, open for ten minutes, and over once") func over() throws {
        let house = try House()
        let decider = Decider(house.state)
        let start = Clock.now
        var facts = RequestFacts(source: try #require(IPAddress("198.51.100.7")))
        let agent = Array("friendly-scanner".utf8)
        agent.withUnsafeBufferPointer { bytes in
            facts[.userAgent] = bytes
            facts[.method] = bytes
            _ = decider.check(facts, at: start)
            _ = decider.check(facts, at: start + .seconds(300))
            house.state.maintain(now: start + .seconds(800))
            _ = decider.check(facts, at: start + .seconds(850))
        }
        #expect(try incidents(house).count == 1)
        _ = house.state.drainEvents()
        house.state.maintain(now: start + .seconds(1451))
        let over = house.state.drainEvents().events.compactMap { event in
            if case .attackOver(let incident) = event { incident } else { nil }
        }
        #expect(over.count == 1 && over[0].messages == 3 && over[0].sources == 1)
        #expect(over[0].duration == .seconds(850))
    }

    @Test("an unknown id is an error that says where to look", arguments: ["0", "xyz", "ffffffffffffffffff"])
    func unknown(id: String) throws {
        let error = try House().call("incident.show", ["incident": .string(id)])
        #expect(error["code"] == -32602 && error["data"]?["param"] == "incident")
    }
}

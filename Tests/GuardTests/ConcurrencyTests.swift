import JSON
import Testing

@testable import Guard

@Suite struct ConcurrencyTests {
    /// Eight connections ask while another one reloads, bans, forgets and reads; not one request is miscounted.
    @Test func manyConnectionsAndAnAdministratorDoNotDisturbEachOther() async throws {
        let directory = TemporaryDirectory()
        directory.write("version: 1\nextends: default\n", to: "policy.yaml")
        let house = try House(policy: "version: 1\nextends: default\n", path: directory.file("policy.yaml"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                let state = house.state
                group.addTask {
                    let connection = House.connection(to: state, role: .ask)
                    for number in 0..<500 {
                        let source = JSONValue.string("198.51.100.\((worker * 7 + number) % 50)")
                        #expect(try connection.verdict(["source_ip": source, "method": "REGISTER"]) == "pass")
                        try connection.call("guard.report", ["source_ip": source, "outcome": "auth_ok", "user": "1"])
                    }
                }
            }
            for round in 0..<20 {
                try house.call("policy.reload")
                try house.call("ban.add", ["address": .string("203.0.113.\(round)")])
                try house.call("source.forget", ["source": "192.0.2.200"])
                try house.call("stats.top")
                house.state.maintain()
                await Task.yield()
            }
            try await group.waitForAll()
        }
        let stats = try house.call("stats.get")
        #expect(stats["requests"]?["total"] == 4000 && stats["requests"]?["pass"] == 4000)
        #expect(stats["reports"]?["auth_ok"] == 4000)
        #expect(stats["policy"]?["reloads"] == 20 && stats["tables"]?["bans"] == 20)
        let requests = try (0..<50).reduce(Int64(0)) { sum, number in
            let source = try house.call("source.show", ["source": .string("198.51.100.\(number)")])
            return sum + (source["requests"]?.int64 ?? 0)
        }
        #expect(requests == 4000)
    }
}

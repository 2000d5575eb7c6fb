import JSON
import Policy
import Testing

@testable import Guard

@Suite struct NameTests {
    private static let policy = """
        version: 1
        extends: default
        allow:
          - { name: Phone.example.net, comment: reception, until: 2999-12-31 }
          - { name: old.example.net, until: 2001-01-01 }
          - { address: 203.0.113.100, until: 2001-01-01T00:00:00Z }

        """
    let house: House
    init() throws { house = try House(policy: Self.policy) }

    private func verdict(_ source: String) throws -> String? {
        try house.call(
            "guard.check", ["source_ip": .string(source), "method": "OPTIONS", "user_agent": "friendly-scanner"])[
                "rule"]?.string
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test func whatANameResolvesToIsAllowed() throws {
        #expect(house.state.wantedNames.map(\.name) == ["Phone.example.net"])
        #expect(try verdict("203.0.113.7") != "allow")
        house.state.name("Phone.example.net", has: [try address("203.0.113.7"), try address("2001:db8::7")])
        #expect(try verdict("203.0.113.7") == "allow" && verdict("2001:db8::7") == "allow")
        house.state.name("Phone.example.net", has: [try address("203.0.113.8")])
        #expect(try verdict("203.0.113.7") != "allow" && verdict("203.0.113.8") == "allow")
        let list = try house.call("allow.list")
        #expect(list["total"] == 1 && list["allowed"]?[0]?["name"] == "Phone.example.net")
        #expect(list["names"]?[0]?["addresses"] == ["203.0.113.8"] && list["names"]?[0]?["comment"] == "reception")
    }

    @Test func aNameThatFailsKeepsItsLastAddresses() throws {
        house.state.name("phone.example.net", failed: "no such name")
        house.state.judgeAlarms(Clock.now)
        let first = try house.call("stats.get")["alarms"]?[0]
        #expect(first?["alarm"] == "name-not-resolved" && first?["problem"]?.string?.contains("never") == true)
        house.state.name("phone.example.net", has: [try address("203.0.113.7")])
        house.state.judgeAlarms(Clock.now)
        #expect(try house.call("stats.get")["alarms"] == [])
        house.state.name("phone.example.net", failed: "timed out")
        house.state.judgeAlarms(Clock.now)
        #expect(try verdict("203.0.113.7") == "allow")
        #expect(
            try house.call("stats.get")["alarms"]?[0]?["problem"]?.string?.contains("its last addresses stay") == true)
    }

    @Test func aNameTakesAFewAddressesOnly() throws {
        house.state.name("phone.example.net", has: (0..<100).map { IPAddress(v4: 0xCB00_7100 + $0) })
        #expect(try house.call("allow.list")["total"] == 16)
    }

    @Test func anEntryOfThePolicyEndsWithItsTime() throws {
        #expect(try verdict("203.0.113.100") != "allow")
        #expect(try house.call("allow.list")["total"] == 0)
    }

    @Test func namesComeAndGoAtRunTime() throws {
        #expect(try house.call("allow.add", ["name": "sbc.example.org", "comment": "trunk", "by": "me"])["by"] == "me")
        house.state.name("sbc.example.org", has: [try address("203.0.113.9")])
        #expect(try verdict("203.0.113.9") == "allow")
        #expect(try house.call("allow.remove", ["name": "SBC.example.org"])["removed"] == true)
        #expect(try verdict("203.0.113.9") != "allow")
        #expect(try house.call("allow.remove", ["name": "sbc.example.org"])["removed"] == false)
        #expect(try house.call("allow.remove", ["name": "phone.example.net"])["code"] == -32602)
        #expect(try house.call("allow.add", ["name": "192.0.2.300"])["code"] == -32602)
        try house.call("allow.add", ["name": "brief.example.org", "duration": "10s"])
        house.state.maintain(now: Clock.now + .seconds(11))
        #expect(try house.call("allow.list")["names"]?.array?.count == 1)
    }

    @Test func theListOfNamesIsBounded() throws {
        for number in 0..<256 { try house.call("allow.add", ["name": .string("n\(number).example.net")]) }
        #expect(try house.call("allow.add", ["name": "one.more.example.net"])["code"] == -32012)
    }

    @Test func namesOutliveARestart() throws {
        let folder = TemporaryDirectory()
        let first = try House(stateFile: StateFile(path: folder.file("state")))
        try first.call("allow.add", ["name": "sbc.example.org", "comment": "trunk", "by": "me"])
        first.state.maintain()
        let second = try House(stateFile: StateFile(path: folder.file("state")))
        _ = try second.state.restore()
        #expect(second.state.wantedNames.map(\.name) == ["sbc.example.org"])
        #expect(try second.call("allow.list")["names"]?[0]?["comment"] == "trunk")
    }

    @Test func whatIsAllowedByNameIsNotBannedByMistake() throws {
        house.state.name("phone.example.net", has: [try address("203.0.113.7")])
        #expect(try house.call("ban.add", ["address": "203.0.113.0/24"])["data"]?["protected"] == "allow")
    }
}

import JSON
import Policy
import Testing

@testable import Guard

@Suite struct ListTests {
    let house: House
    init() throws { house = try House() }

    @Test func aBanHoldsUntilItIsRemoved() throws {
        let options: JSONValue = ["source_ip": "203.0.113.9", "method": "OPTIONS"]
        #expect(try house.verdict(options) == "pass")
        try house.call("ban.add", ["address": "203.0.113.0/24", "comment": "why", "by": "me"])
        #expect(try house.verdict(options) == "drop")
        let list = try house.call("ban.list")
        #expect(list["total"] == 1 && list["bans"]?[0]?["comment"] == "why" && list["bans"]?[0]?["until"] == .null)
        #expect(try house.call("ban.remove", ["address": "203.0.113.0/24"])["removed"] == true)
        #expect(try house.call("ban.remove", ["address": "203.0.113.0/24"])["removed"] == false)
        #expect(try house.verdict(options) == "pass")
    }

    @Test func aBanEndsWithItsDuration() throws {
        try house.call("ban.add", ["address": "203.0.113.9", "duration": "100s"])
        house.state.maintain(now: Clock.now + .seconds(60))
        #expect(try house.call("ban.list")["total"] == 1)
        house.state.maintain(now: Clock.now + .seconds(101))
        #expect(try house.call("ban.list")["total"] == 0)
    }

    @Test(arguments: ["127.0.0.1", "127.0.0.0/8", "0.0.0.0/0", "::/0", "::1"])
    func nobodyBansThisMachineByMistake(address: String) throws {
        let error = try house.call("ban.add", ["address": .string(address)])
        #expect(error["code"] == -32010 && error["data"]?["protected"] == "own")
        #expect(try house.call("ban.add", ["address": .string(address), "force": true])["rule"] == "manual")
    }

    @Test(arguments: ["0.0.0.0/0", "::/0", "0.0.0.0/1", "96.0.0.0/7", "127.0.0.0/8", "2000::/15", "::/64"])
    func nobodyBansEverybodyByMistake(address: String) throws {
        let house = try House(policy: "version: 1\nextends: default\nown_addresses: []\n")
        let error = try house.call("ban.add", ["address": .string(address)])
        #expect(error["code"] == -32010 && error["data"]?["protected"] == "wide")
        #expect(error["data"]?["problem"]?.string?.contains("wide") == true)
        #expect(try house.call("ban.add", ["address": .string(address), "force": true])["rule"] == "manual")
    }

    @Test(arguments: ["11.0.0.0/8", "203.0.113.0/24", "2000::/16", "127.0.0.1"])
    func aNetworkOfAProviderCanBeBanned(address: String) throws {
        let house = try House(policy: "version: 1\nextends: default\nown_addresses: []\n")
        #expect(try house.call("ban.add", ["address": .string(address)])["rule"] == "manual")
    }

    @Test func nobodyBansTheAddressThatHeWorksFrom() throws {
        let error = try house.call("ban.add", ["address": "203.0.113.0/24", "client": "203.0.113.9"])
        #expect(error["data"]?["protected"] == "caller")
        #expect(error["data"]?["problem"]?.string?.hasPrefix("203.0.113.9, from which you call") == true)
        #expect(try house.call("ban.add", ["address": "203.0.113.0/24", "client": "me"])["code"] == -32602)
        #expect(try house.call("ban.add", ["address": "203.0.113.0/24", "client": "198.51.100.1"])["rule"] == "manual")
    }

    @Test func aShortBanOnTopOfALongOneDoesNotEndIt() throws {
        try house.call("ban.add", ["address": "203.0.113.0/24"])
        try house.call("ban.add", ["address": "203.0.113.9", "duration": 60])
        let snapshot = house.state.publisher.current
        let address = try #require(IPAddress("203.0.113.9"))
        #expect(snapshot.addresses.ban(on: address, now: Clock.now)?.prefix == Prefix("203.0.113.9"))
        #expect(
            snapshot.addresses.ban(on: address, now: Clock.now + .seconds(61))?.prefix == Prefix("203.0.113.0/24"))
    }

    @Test func everyBanHoldsForTheVeryNextCheck() throws {
        for number in 0..<500 {
            let address: JSONValue = .string("203.0.113.\(number % 250)")
            try house.call(number < 250 ? "ban.add" : "ban.remove", ["address": address])
            let verdict = try house.verdict(["source_ip": address, "method": "OPTIONS"])
            #expect(verdict == (number < 250 ? "drop" : "pass"))
        }
        #expect(try house.call("ban.list")["total"] == 0)
    }

    @Test func nobodyBansATrustedProxyOrAnAllowedAddressByMistake() throws {
        let house = try House(
            policy: "version: 1\nextends: default\ntrusted_proxies: [198.51.100.5]\nallow: [198.51.100.6]\n")
        for (address, protection) in [
            ("198.51.100.5", "trusted_proxy"), ("198.51.100.0/29", "trusted_proxy"), ("198.51.100.6", "allow"),
        ] {
            #expect(
                try house.call("ban.add", ["address": .string(address)])["data"]?["protected"]?.string == protection)
        }
    }

    @Test func theAllowListWinsOverABan() throws {
        try house.call("ban.add", ["address": "203.0.113.0/24"])
        try house.call("allow.add", ["address": "203.0.113.9", "duration": 60])
        #expect(try house.verdict(["source_ip": "203.0.113.9", "method": "OPTIONS"]) == "pass")
        #expect(try house.verdict(["source_ip": "203.0.113.8", "method": "OPTIONS"]) == "drop")
        #expect(try house.call("allow.remove", ["address": "203.0.113.9"])["removed"] == true)
        #expect(try house.verdict(["source_ip": "203.0.113.9", "method": "OPTIONS"]) == "drop")
    }

    @Test func anEntryOfThePolicyFileIsRemovedThere() throws {
        let house = try House(policy: "version: 1\nextends: default\nallow: [192.0.2.6]\n")
        let error = try house.call("allow.remove", ["address": "192.0.2.6"])
        #expect(error["code"] == -32602)
        #expect(try house.call("allow.list")["allowed"]?[0]?["by"] == "policy")
    }

    @Test func longListsComeInPages() throws {
        for number in 0..<25 { try house.call("ban.add", ["address": .string("203.0.113.\(number)")]) }
        let page = try house.call("ban.list", ["offset": 20, "limit": 10])
        #expect(page["bans"]?.array?.count == 5 && page["total"] == 25)
        #expect(page["bans"]?[0]?["address"] == "203.0.113.20")
    }

    @Test func aListTellsAPacketFilterWhatItNeeds() throws {
        let house = try House(policy: "version: 1\nextends: default\nallow: [198.51.100.6]\n")
        for (source, transport) in [("203.0.113.8", "udp"), ("203.0.113.9", "tcp")] {
            for _ in 0..<300 {
                _ = try house.verdict([
                    "source_ip": .string(source), "method": "OPTIONS", "user_agent": "friendly-scanner",
                    "transport": .string(transport),
                ])
            }
        }
        try house.call("ban.add", ["address": "198.51.100.0/24", "force": true])
        try house.call("ban.add", ["address": "192.0.2.1", "duration": 60])
        func told(_ params: JSONValue) throws -> [String: JSONValue] {
            let bans = try house.call("ban.list", params)["bans"]?.array ?? []
            return Dictionary(uniqueKeysWithValues: bans.map { ($0["address"]?.string ?? "", $0) })
        }
        let all = try told([:])
        #expect(all.count == 4 && all["203.0.113.8"]?["proven"] == false && all["203.0.113.9"]?["proven"] == true)
        #expect(all["198.51.100.0/24"]?["protected"] == "allow" && all["198.51.100.0/24"]?["remaining"] == .null)
        #expect(all["192.0.2.1"]?["protected"] == .null)
        #expect((31...60).contains(all["192.0.2.1"]?["remaining"]?.int64 ?? 0))
        #expect(all["192.0.2.1"]?["proven"] == true)
        #expect(try Set(told(["proven": true]).keys) == ["203.0.113.9", "198.51.100.0/24", "192.0.2.1"])
        // what becomes protected later
        try house.call("allow.add", ["address": "203.0.113.9"])
        #expect(try told([:])["203.0.113.9"]?["protected"] == "allow")
    }

    @Test(
        arguments: [
            ["address": "nonsense"], ["address": "192.0.2.1", "duration": "soon"],
            ["address": "192.0.2.1", "duration": 0],
            ["address": "192.0.2.1", "duration": "-5s"], ["address": "192.0.2.1", "duration": "99999999999999999999d"],
            ["address": "192.0.2.1", "comment": .string(String(repeating: "x", count: 201))], [:],
        ] as [JSONValue])
    func badEntriesAreRefused(params: JSONValue) throws {
        #expect(try house.call("ban.add", params)["code"] == -32602)
        #expect(try house.call("ban.list")["total"] == 0)
    }

    @Test func forgettingLiftsTheBansOnTheAddressAndOnItsGroup() throws {
        for banned in ["2001:db8::1", "2001:db8::/64"] { try house.call("ban.add", ["address": .string(banned)]) }
        #expect(try house.call("source.forget", ["source": "2001:db8::1"])["ban_removed"] == true)
        #expect(try house.call("ban.list")["total"] == 0)
    }

    @Test func forgettingClearsCountersAndBans() throws {
        for _ in 0..<300 {
            _ = try house.verdict(["source_ip": "203.0.113.9", "method": "OPTIONS", "user_agent": "friendly-scanner"])
        }
        #expect(try house.call("source.show", ["source": "203.0.113.9"])["ban"] != .null)
        #expect(try house.call("ban.list")["total"] == 1)
        let forgotten = try house.call("source.forget", ["source": "203.0.113.9"])
        #expect(forgotten["forgotten"] == true && forgotten["ban_removed"] == true)
        #expect(try house.call("source.show", ["source": "203.0.113.9"])["known"] == false)
        #expect(try house.verdict(["source_ip": "203.0.113.9", "method": "OPTIONS"]) == "pass")
        #expect(try house.call("source.forget", ["source": "203.0.113.9"])["forgotten"] == true)
        #expect(try house.call("source.forget", ["source": "203.0.113.10"])["forgotten"] == false)
    }

    @Test func anAutomaticBanCanBeRemoved() throws {
        for _ in 0..<300 {
            _ = try house.verdict(["source_ip": "203.0.113.9", "method": "OPTIONS", "user_agent": "friendly-scanner"])
        }
        #expect(try house.call("ban.remove", ["address": "203.0.113.9"])["removed"] == true)
        #expect(try house.call("ban.list")["total"] == 0)
    }
}

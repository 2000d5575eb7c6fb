import JSON
import Policy
import Testing

@testable import Console

@Suite struct ExportTests {
    private func list(_ entries: String...) throws -> ExportList {
        var list = ExportList()
        for entry in entries { list.add(try JSONValue(parsing: entry)) }
        return list
    }

    private func entry(
        _ address: String, _ remaining: String = "60", proven: String = "true", protected: String = "null"
    )
        -> String
    {
        #"{"address":"\#(address)","proven":\#(proven),"protected":\#(protected),"remaining":\#(remaining)}"#
    }

    private func bans(_ texts: (String, Int?)...) throws -> [ExportedBan] {
        try texts.map { ExportedBan(try #require(Prefix($0)), remaining: $1) }
    }

    @Test("only bans with proof that protect nobody come in") func choice() throws {
        let list = try list(
            entry("192.0.2.1"), entry("192.0.2.2", proven: "false"), entry("192.0.2.3", protected: #""own""#),
            entry("198.51.100.0/24", "null"), entry("192.0.2.4", "0"), entry("192.0.2.5", "-1"),
            entry("192.0.2.6", "99999999999999"))
        #expect(
            try list.bans == bans(("192.0.2.1", 60), ("192.0.2.6", 2_147_483_647), ("198.51.100.0/24", nil)))
        #expect(list.protected.count == 1 && list.unclear == 0)
    }

    @Test(
        "what says too little or is no address is left out and counted",
        arguments: [
            "{}", "7", #"{"address":"192.0.2.1"}"#, #"{"address":"192.0.2.1","proven":true}"#,
            #"{"address":"192.0.2.1","proven":true,"protected":null}"#,
            #"{"address":"192.0.2.1; flush ruleset","proven":true,"protected":null,"remaining":9}"#,
            #"{"address":"192.0.2.1\nflush ruleset","proven":true,"protected":null,"remaining":9}"#,
            #"{"address":"192.0.2.1 }","proven":true,"protected":null,"remaining":9}"#,
            #"{"address":["192.0.2.1"],"proven":true,"protected":null,"remaining":9}"#,
            #"{"address":"192.0.2.1","proven":"yes","protected":null,"remaining":9}"#,
        ])
    func unclear(text: String) throws {
        let list = try list(text)
        #expect(list.bans.isEmpty && list.unclear == 1)
    }

    @Test("a time that is no number is no ban") func badTime() throws {
        #expect(try list(entry("192.0.2.1", #""60s""#)).bans.isEmpty)
    }

    @Test("nobody bans everybody", arguments: ["0.0.0.0/0", "::/0"]) func everybody(address: String) throws {
        let list = try list(entry(address))
        #expect(list.bans.isEmpty && list.protected.count == 1)
    }

    @Test("addresses are printed anew, in order and without overlaps") func disjoint() throws {
        let list = try list(
            entry("203.0.113.9"), entry("203.0.113.0/24", "30"), entry("2001:DB8:0::1"), entry("203.0.112.255"),
            entry("2001:db8::/64", "null"), entry("203.0.113.77/25"), entry("::ffff:192.0.2.1"), entry("::/64"))
        #expect(
            list.bans.map(\.prefix.description) == [
                "192.0.2.1", "203.0.112.255", "203.0.113.0/24", "::/64", "2001:db8::/64",
            ])
    }

    @Test("everything, in each format", arguments: ExportFormat.Kind.allCases) func whole(kind: ExportFormat.Kind)
        throws
    {
        let bans = try bans(("192.0.2.1", 60), ("198.51.100.0/24", nil), ("2001:db8::/64", 9_999_999))
        let expected: [ExportFormat.Kind: String] = [
            .nft: """
            flush set inet sipguardd banned4; flush set inet sipguardd banned6; \
            add element inet sipguardd banned4 { 192.0.2.1 timeout 60s, 198.51.100.0/24 }; \
            add element inet sipguardd banned6 { 2001:db8::/64 timeout 9999999s }

            """,
            .ipset: """
            create sipguardd4 hash:net family inet maxelem 1048576 timeout 0 -exist
            create sipguardd4-new hash:net family inet maxelem 1048576 timeout 0 -exist
            flush sipguardd4-new
            add sipguardd4-new 192.0.2.1 timeout 60 -exist
            add sipguardd4-new 198.51.100.0/24 timeout 0 -exist
            swap sipguardd4-new sipguardd4
            destroy sipguardd4-new
            create sipguardd6 hash:net family inet6 maxelem 1048576 timeout 0 -exist
            create sipguardd6-new hash:net family inet6 maxelem 1048576 timeout 0 -exist
            flush sipguardd6-new
            add sipguardd6-new 2001:db8::/64 timeout 2147483 -exist
            swap sipguardd6-new sipguardd6
            destroy sipguardd6-new
            COMMIT

            """,
            .pf: "table <sipguardd> persist { 192.0.2.1 198.51.100.0/24 2001:db8::/64 }\n",
            .plain: "192.0.2.1 60\n198.51.100.0/24 -\n2001:db8::/64 9999999\n",
        ]
        #expect(try #require(ExportFormat(kind)).whole(bans) == expected[kind])
    }

    @Test("what has changed, in each format", arguments: ExportFormat.Kind.allCases)
    func change(kind: ExportFormat.Kind) throws {
        let change = try ExportChange(
            removed: [#require(Prefix("192.0.2.1")), #require(Prefix("2001:db8::/64"))],
            added: bans(("192.0.2.1", 90)))
        let expected: [ExportFormat.Kind: String] = [
            .nft: """
            add element inet sipguardd banned4 { 192.0.2.1 }; add element inet sipguardd banned6 { 2001:db8::/64 }; \
            delete element inet sipguardd banned4 { 192.0.2.1 }; \
            delete element inet sipguardd banned6 { 2001:db8::/64 }
            add element inet sipguardd banned4 { 192.0.2.1 timeout 90s }

            """,
            .ipset: """
            del sipguardd4 192.0.2.1 -exist
            del sipguardd6 2001:db8::/64 -exist
            add sipguardd4 192.0.2.1 timeout 90 -exist
            COMMIT

            """,
            .pf: "table <sipguardd> persist { 192.0.2.1 }\n",
            .plain: "remove 192.0.2.1\nremove 2001:db8::/64\nadd 192.0.2.1 90\n",
        ]
        let format = try #require(ExportFormat(kind))
        #expect(format.text(change, of: try bans(("192.0.2.1", 90))) == expected[kind])
        #expect(format.text(ExportChange(), of: []).isEmpty)
    }

    @Test("names and families are chosen") func names() throws {
        let bans = try bans(("192.0.2.1", nil), ("2001:db8::1", nil))
        let format = try #require(ExportFormat(.nft, table: ["ip", "filter"], set: "sip-bans", families: [.v4]))
        #expect(
            format.whole(bans)
                == "flush set ip filter sip-bans4; add element ip filter sip-bans4 { 192.0.2.1 }\n")
        let removed = ExportChange(removed: [bans[1].prefix], added: [])
        #expect(format.text(removed, of: bans).isEmpty)
        #expect(try #require(ExportFormat(.nft, families: [.v6])).whole([]) == "flush set inet sipguardd banned6\n")
        #expect(try #require(ExportFormat(.pf)).whole([]) == "table <sipguardd> persist { }\n")
        #expect(try #require(ExportFormat(.plain)).whole(bans, isFollowed: true).hasPrefix("reset\nadd 192.0.2.1 -\n"))
    }

    @Test(
        "a name can only be a name",
        arguments: ["", "4sets", "a b", "a;b", "a\nb", "a{", "é", "-x", "a/b", "abcdefghijklmnopqrstuvwxyz1"])
    func badName(name: String) {
        #expect(ExportFormat(.nft, set: name) == nil)
        #expect(ExportFormat(.nft, table: ["inet", name]) == nil)
        #expect(ExportFormat(.nft, table: [name, "x"]) == nil)
    }

    @Test("only what has changed is told") func following() throws {
        var follower = ExportFollower()
        let first = try bans(("192.0.2.1", 60), ("192.0.2.2", nil), ("192.0.2.3", 100))
        #expect(follower.change(to: first, now: 0).added == first)
        // ten seconds later all of it holds, but for roundings
        let later = try bans(("192.0.2.1", 51), ("192.0.2.2", nil), ("192.0.2.3", 89))
        #expect(follower.change(to: later, now: 10).isEmpty)
        let changed = try bans(("192.0.2.1", 600), ("192.0.2.2", 5), ("192.0.2.4", nil))
        let change = follower.change(to: changed, now: 11)
        #expect(change.removed.map(\.description) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
        #expect(change.added == changed)
        #expect(follower.change(to: [], now: 12).removed.count == 3)
        #expect(follower.change(to: [], now: 13).isEmpty)
    }

    @Test("many small steps are noticed together") func drift() throws {
        var follower = ExportFollower()
        _ = follower.change(to: try bans(("192.0.2.1", 100)), now: 0)
        let steps = try (1...4).map { follower.change(to: try bans(("192.0.2.1", 100 + 2 * $0)), now: 0).added.count }
        #expect(steps == [0, 1, 0, 1])
    }

    @Test("after everything was told, that is what counts") func reset() throws {
        var follower = ExportFollower()
        _ = follower.change(to: try bans(("192.0.2.1", nil)), now: 0)
        let now = try bans(("192.0.2.2", 9))
        follower.reset(to: now, now: 1)
        #expect(follower.change(to: now, now: 1).isEmpty)
    }
}

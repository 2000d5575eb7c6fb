import ArgumentParser
import Console
import JSON
import RPC
import Testing

@testable import sipguardctl

@Suite struct ExportCommandTests {
    private func bans(_ addresses: String...) -> JSONValue {
        [
            "bans": .array(
                addresses.map {
                    ["address": .string($0), "proven": true, "protected": .null, "remaining": .null]
                }), "total": .int(Int64(addresses.count)),
        ]
    }

    @Test(
        "the table may be one word or two", arguments: [["--table", "ip", "filter"], ["--table", "ip filter"]])
    func table(words: [String]) throws {
        let export = try #require(try Sipguardctl.parseAsRoot(["export", "--format", "nft"] + words) as? Export)
        #expect(try export.rendering() == ExportFormat(.nft, table: ["ip", "filter"]))
    }

    @Test(
        "what is not understood is said, with status 64",
        arguments: [
            ("export", "--format"), ("export --format iptables", "iptables"),
            ("export --format nft --json", "its own formats"), ("export --format nft -4 -6", "both families"),
            ("export --format nft --interval 1", "--follow"), ("export --format nft --resync 9", "--follow"),
            ("export --format nft --follow --interval 0", "--interval takes"),
            ("export --format nft --follow --interval nan", "--interval takes"),
            ("export --format nft --follow --resync 0", "--resync takes"),
            ("export --format pf --table inet x", "--table belongs"), ("export --format plain --set x", "no sets"),
            ("export --format nft --table inet", "--table takes"), ("export --format nft --set a;b", "--table takes"),
            ("export --format nft --table bogus x", "--table takes"),
        ])
    func usage(line: String, words: String) throws {
        let error = #expect(throws: (any Error).self) {
            _ = try Sipguardctl.parseAsRoot(line.split(separator: " ").map(String.init))
        }
        let found = try #require(error)
        #expect(Sipguardctl.exitCode(for: found).rawValue == Console.ExitStatus.usage.rawValue)
        #expect(Sipguardctl.fullMessage(for: found).contains(words))
    }

    @Test("one list, and then it ends") func once() throws {
        try ScriptedDaemon(["ban.list": .success(bans("192.0.2.1", "2001:db8::1"))]).serving { socket in
            let outcome = try Program.run(["export", "--format", "plain", "--socket", socket])
            #expect(outcome == .init(status: 0, output: "192.0.2.1 -\n2001:db8::1 -\n", error: ""))
        }
    }

    @Test("what is left out is said, and hostile words go nowhere") func leftOut() throws {
        let hostile: JSONValue = [
            "bans": [
                ["address": "192.0.2.0/24", "proven": true, "protected": "\u{1B}[31m", "remaining": .null],
                ["address": "192.0.2.1\nflush ruleset", "proven": true, "protected": .null, "remaining": .null],
            ], "total": 2,
        ]
        try ScriptedDaemon(["ban.list": .success(hostile)]).serving { socket in
            let outcome = try Program.run(["export", "--format", "plain", "--socket", socket])
            #expect(outcome.status == 0 && outcome.output.isEmpty)
            #expect(
                outcome.error == """
                    sipguardctl: 192.0.2.0/24 is left to sipguardd: it holds a protected address
                    sipguardctl: bans were left out that say too little; sipguardd may be older than this

                    """)
        }
    }

    @Test("no daemon at the start is a failure, with --follow too", arguments: [[], ["--follow"]])
    func noDaemon(more: [String]) throws {
        let outcome = try Program.run(["export", "--format", "nft", "--socket", "/nowhere/s"] + more)
        #expect(outcome.status == Console.ExitStatus.unreachable.rawValue && outcome.output.isEmpty)
    }

    @Test("an answer that is no list is a failure") func noList() throws {
        try ScriptedDaemon(["ban.list": .success(["bans": "none"])]).serving { socket in
            let outcome = try Program.run(["export", "--format", "nft", "--socket", socket])
            #expect(outcome.status == Console.ExitStatus.error.rawValue && outcome.output.isEmpty)
        }
    }
}

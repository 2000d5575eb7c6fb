import ArgumentParser
import Console
import Daemon
import JSON
import Replay
import Testing

@testable import sipguardctl

/// From words to questions.
@Suite struct ArgumentTests {
    private func command(_ line: String) throws -> any ParsableCommand {
        try Sipguardctl.parseAsRoot(line.split(separator: " ").map(String.init))
    }

    @Test(
        "each command asks its method with its params",
        arguments: [
            ("stats", "stats.get", nil), ("top --by answers --limit 3", "stats.top", #"{"by":"answers","limit":3}"#),
            ("show 192.0.2.1", "source.show", #"{"source":"192.0.2.1"}"#),
            (
                "show 192.0.2.1 --user 1000 --user-agent a --node n --number 00441234567890", "source.show",
                #"{"source":"192.0.2.1","user":"1000","user_agent":"a","node":"n","number":"00441234567890"}"#
            ),
            ("forget 2001:db8::1", "source.forget", #"{"source":"2001:db8::1"}"#),
            ("ban", "ban.list", #"{"offset":0,"limit":50}"#),
            ("ban list --json", "ban.list", #"{"offset":0,"limit":1000}"#),
            ("ban list --limit 7 --offset 14", "ban.list", #"{"offset":14,"limit":7}"#),
            (
                "ban add 192.0.2.0/24 --duration 1h --comment x --by me --force", "ban.add",
                #"{"address":"192.0.2.0/24","duration":"1h","comment":"x","by":"me","force":true}"#
            ),
            ("ban add 192.0.2.1 --by me", "ban.add", #"{"address":"192.0.2.1","by":"me"}"#),
            ("ban remove 192.0.2.1", "ban.remove", #"{"address":"192.0.2.1"}"#),
            ("allow", "allow.list", #"{"offset":0,"limit":50}"#),
            ("allow add 192.0.2.1 --by me", "allow.add", #"{"address":"192.0.2.1","by":"me"}"#),
            ("allow add phone.example.net --by me", "allow.add", #"{"name":"phone.example.net","by":"me"}"#),
            ("allow remove phone.example.net", "allow.remove", #"{"name":"phone.example.net"}"#),
            ("feeds", "feed.list", nil), ("feeds refresh", "feed.refresh", nil),
            ("allow remove 192.0.2.1", "allow.remove", #"{"address":"192.0.2.1"}"#),
            (
                "check --source-ip 192.0.2.1 --method OPTIONS", "guard.check",
                #"{"source_ip":"192.0.2.1","method":"OPTIONS"}"#
            ),
            ("policy show", "policy.show", nil),
            (
                "policy explain --source-ip 192.0.2.1 --method OPTIONS", "policy.test",
                #"{"request":{"source_ip":"192.0.2.1","method":"OPTIONS"}}"#
            ),
            ("reload", "policy.reload", nil), ("ping", "daemon.ping", nil), ("version", "daemon.version", nil),
        ] as [(String, String, String?)])
    func question(line: String, method: String, params: String?) throws {
        let asking = try #require(try command(line) as? any Asking)
        #expect(asking.method == method)
        #expect(try asking.params()?.text == params)
    }

    @Test("every fact of guard.check has its option") func facts() throws {
        let texts = [
            "method", "transport", "ruri", "from_user", "from_domain", "from_display", "from_tag", "to_user",
            "to_domain",
            "to_tag", "contact", "user_agent", "call_id", "via_host", "via_branch", "auth_user", "auth_realm",
            "local_ip",
            "node",
        ]
        let numbers = ["source_port", "local_port", "cseq", "max_forwards", "length", "count"]
        let option = { (name: String) in "--" + name.replacing("_", with: "-") }
        let line =
            (["check --source-ip 192.0.2.1 --auth-nonce-valid"] + texts.map { "\(option($0)) v-\($0)" }
            + numbers.map { "\(option($0)) 7" }).joined(separator: " ")
        let params = try #require(try (try command(line) as? Check)?.params())
        for name in texts { #expect(params[name] == .string("v-\(name)")) }
        for name in numbers { #expect(params[name] == 7) }
        #expect(params["auth_nonce_valid"] == true)
        #expect(params.object?.count == texts.count + numbers.count + 2)
    }

    @Test("a replay takes files, two policies and any number of servers") func replay() throws {
        let all =
            "replay a.jsonl.1 a.jsonl --policy p.yaml --compare q.yaml --server 192.0.2.1 --server [2001:db8::1]:5062"
        let replay = try #require(try command(all + " --top 7 --json") as? ReplayCommand)
        #expect(replay.files == ["a.jsonl.1", "a.jsonl"] && replay.policy == "p.yaml" && replay.compare == "q.yaml")
        #expect(Servers(replay.server).names == ["192.0.2.1", "[2001:db8::1]:5062"])
        #expect(replay.top == 7 && replay.connection.json)
        let plain = try #require(try command("replay -") as? ReplayCommand)
        #expect(plain.files == ["-"] && plain.policy == nil && plain.compare == nil && plain.server.isEmpty)
        #expect(plain.top == 20 && !plain.connection.json)
    }

    @Test(
        "options of the connection may stand anywhere",
        arguments: ["--socket /x --json ban list", "ban --socket /x list --json", "ban list -s /x --json"])
    func connection(line: String) throws {
        let list = try #require(try command(line) as? Ban.List)
        #expect(list.connection.json)
        #expect(try list.connection.endpoint(environment: ["SIPGUARDD_SOCKET": "/y"]) == .unix(path: "/x"))
    }

    @Test("the socket: option, else environment, else default") func socket() throws {
        let connection = try #require(try command("ping") as? Ping).connection
        #expect(
            try connection.endpoint(environment: ["SIPGUARDD_SOCKET": "tcp:127.0.0.1:7"])
                == .tcp(host: "127.0.0.1", port: 7))
        #expect(
            try connection.endpoint(environment: ["SIPGUARDD_SOCKET": ""]) == .unix(path: "/run/sipguardd/admin.sock"))
        #expect(throws: ValidationError.self) { try connection.endpoint(environment: ["SIPGUARDD_SOCKET": "tcp:x"]) }
    }

    @Test(
        "what is not understood is said, with status 64",
        arguments: [
            ("bogus", "Unexpected argument 'bogus'"), ("show", "Missing expected argument '<source>'"),
            ("stats --jsn", "Did you mean '--json'?"), ("top --limit 0", "--limit takes 1 to 100."),
            ("top --by noise", "'noise'"), ("ban list --limit 10001", "--limit takes 1 to 10000."),
            ("ban list --offset -1", "--offset"), ("ping --timeout 0", "--timeout takes"),
            ("ping --timeout nan", "--timeout takes"), ("ping --socket tcp:x", "neither a path"),
            ("check --source-ip 192.0.2.1", "Give --method"), ("check --method OPTIONS", "--source-ip"),
            ("check --source-ip 192.0.2.1 --method X --cseq many", "'many'"),
            ("policy test --default x.yaml", "exclude each other"), ("stats --json --prometheus", "Either"),
            ("policy check", "Missing expected argument '<file>'"),
            ("replay", "Missing expected argument '<file>"), ("replay a.pcap --top 0", "--top takes 1 to 10000."),
            ("replay a.pcap --top 10001", "--top takes 1 to 10000."),
            ("replay a.pcap --server pbx", "'pbx' is no address; write 192.0.2.1, 192.0.2.0/24 or 192.0.2.1:5060"),
            ("replay a.pcap --polcy x.yaml", "Did you mean '--policy'?"),
        ])
    func usage(line: String, words: String) throws {
        let error = #expect(throws: (any Error).self) { _ = try command(line) }
        let found = try #require(error)
        #expect(Sipguardctl.exitCode(for: found).rawValue == Console.ExitStatus.usage.rawValue)
        #expect(Sipguardctl.fullMessage(for: found).contains(words))
    }

    @Test("there is a completion script for each shell", arguments: [CompletionShell.bash, .zsh, .fish])
    func completion(shell: CompletionShell) {
        #expect(Sipguardctl.completionScript(for: shell).contains("sipguardctl"))
    }

    @Test("daemon and command line carry one version") func version() { #expect(Release.version == Daemon.version) }
}

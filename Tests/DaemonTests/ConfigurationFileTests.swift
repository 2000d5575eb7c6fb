import AMI
import ARI
import FastAGI
import Foundation
import Guard
import Kamailio
import PolicyFile
import RPC
import Testing

@testable import Daemon

@Suite struct ConfigurationFileTests {
    @Test func readsEverything() throws {
        let configuration = try ConfigurationFile.parse(
            text: """
                listeners:
                  - unix: /run/sipguardd/ask.sock
                    role: ask
                    mode: "0666"
                    owner: root
                    group: kamailio
                    max_connections: 64
                    max_message: 128KiB
                  - tcp: "[::1]:4571"
                    role: read
                    name: kamailio
                policy: /etc/sipguardd/policy.yaml
                state_file: /var/lib/sipguardd/state.json
                memory: 256MiB
                log: { level: debug, format: json }
                alarms: { no_requests: 5m, no_reports: 2h, never_matched: 30d }
                """, name: "good.yaml")
        let ask = configuration.listeners[0]
        #expect(
            ask.endpoint == .unix(.init(path: "/run/sipguardd/ask.sock", mode: 0o666, owner: "root", group: "kamailio"))
        )
        #expect(ask.role == .ask && ask.maxConnections == 64 && ask.messageLimit == 128 << 10)
        let tcp = configuration.listeners[1]
        #expect(tcp.endpoint == .tcp(.init(host: "::1", port: 4571)) && tcp.role == .read && tcp.name == "kamailio")
        #expect(configuration.policyPath == "/etc/sipguardd/policy.yaml")
        #expect(configuration.stateFile == "/var/lib/sipguardd/state.json")
        #expect(configuration.memory == 256 << 20)
        #expect(configuration.alarms.noRequests == .seconds(300) && configuration.alarms.noReports == .seconds(7200))
        #expect(configuration.alarms.neverMatched == .seconds(30 * 86_400))
        #expect(configuration.logLevel == .debug && configuration.logFormat == .json)
    }

    @Test func readsAFastAGIListener() throws {
        let text =
            "listeners:\n  - fastagi: 127.0.0.1:4573\n  - { fastagi: '[::1]:1', timeout: 1s, max_connections: 9 }\n"
        let listeners = try ConfigurationFile.parse(text: text, name: "good.yaml").listeners
        #expect(listeners[0].endpoint == .tcp(.init(host: "127.0.0.1", port: 4573)) && listeners[0].role == .ask)
        #expect(listeners[0].wireProtocol == .fastAGI && listeners[0].exchangeLimit == .milliseconds(200))
        #expect(listeners[0].name == "fastagi:127.0.0.1:4573" && listeners[0].maxConnections == 256)
        #expect(listeners[1].exchangeLimit == .seconds(1) && listeners[1].maxConnections == 9)
        #expect(!Configuration().listeners.contains { $0.wireProtocol == .fastAGI })
    }

    @Test func readsTheDecisionLog() throws {
        func log(_ text: String) throws -> DecisionLog.Settings? {
            try ConfigurationFile.parse(text: "decision_log: \(text)\n", name: "x").decisionLog
        }
        #expect(try log("{ path: /var/log/d.jsonl }") == DecisionLog.Settings(path: "/var/log/d.jsonl"))
        let all = try log("{ path: /d, size: 1MiB, files: 9, what: treated }")
        #expect(all?.size == 1 << 20 && all?.files == 9 && all?.coverage == .treated)
        #expect(Configuration().decisionLog == nil)
        for bad in [
            "{ size: 1MiB }", "{ path: d }", "{ path: /d, size: 1KiB }", "{ path: /d, files: 0 }",
            "{ path: /d, what: some }", "{ path: /d, rotate: daily }", "yes",
        ] {
            #expect(throws: FileProblems.self) { try log(bad) }
        }
    }

    @Test func readsWhereKamailioTakesBans() throws {
        func table(_ text: String) throws -> KamailioTable? {
            try ConfigurationFile.parse(text: "kamailio: \(text)\n", name: "x").kamailio
        }
        #expect(try table("{ rpc_socket: /run/k.sock }") == KamailioTable(socket: "/run/k.sock"))
        let all = try table("{ rpc_socket: /run/k.sock, htable: mine, most_bans: 5 }")
        #expect(all?.htable == "mine" && all?.most == 5)
        #expect(Configuration().kamailio == nil)
        for bad in [
            "{ htable: mine }", "{ rpc_socket: run/k.sock }", "{ rpc_socket: /k, htable: 'a b' }", "yes",
            "{ rpc_socket: /k, most_bans: 0 }", "{ rpc_socket: /k, table: a }",
            "{ rpc_socket: /\(String(repeating: "k", count: 107)) }",
        ] {
            #expect(throws: FileProblems.self) { try table(bad) }
        }
    }

    @Test func whatIsNotSaidIsTheDefault() throws {
        #expect(try ConfigurationFile.parse(text: "log: { level: info }\n", name: "x") == Configuration())
    }

    @Test func readsWhatIsToDoWithAsterisk() throws {
        let secret = try secretFile("other s3cret\n")
        defer { try? FileManager.default.removeItem(atPath: secret) }
        let asterisk = try ConfigurationFile.parse(
            text: """
                asterisk:
                  ami: { address: "127.0.0.1:5038", user: sipguardd, secret: s3cret }
                  ari:
                    address: "[::1]:8088"
                    user: guard
                    secret_file: \(secret)
                    domains: [pbx.example.com, 192.0.2.1]
                    most_sources: 50
                    context: nowhere
                """, name: "good.yaml"
        ).asterisk
        #expect(
            asterisk.events
                == ManagerAccount(host: "127.0.0.1", port: 5038, user: "sipguardd", secret: Secret("s3cret")))
        let honeypot = try #require(asterisk.honeypot)
        #expect(honeypot.account == RESTAccount(host: "::1", port: 8088, user: "guard", secret: "other s3cret"))
        #expect(honeypot.settings.domains == ["pbx.example.com", "192.0.2.1"])
        #expect(honeypot.settings.mostSources == 50 && honeypot.settings.context == "nowhere")
        #expect(!String(reflecting: asterisk).contains("s3cret"))
        #expect(Configuration().asterisk == Configuration.Asterisk())
    }

    private func secretFile(_ text: String) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sipguardd-secret-\(UUID())").path
        #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8)))
        return path
    }

    struct Bad: CustomTestStringConvertible {
        let text: String
        let problems: [String]
        var testDescription: String { text.debugDescription }
    }

    static let bad = [
        Bad(text: "", problems: ["bad.yaml:1"]),
        Bad(text: "listener: []\n", problems: ["bad.yaml:1: unknown key 'listener'; did you mean 'listeners'?"]),
        Bad(text: "listeners: []\n", problems: ["bad.yaml:1: listeners: "]),
        Bad(
            text: "memory: lots\nlog: { level: loud }\n", problems: ["bad.yaml:1: memory: ", "bad.yaml:2: log.level: "]),
        Bad(text: "memory: 1KiB\n", problems: ["bad.yaml:1: memory: 1KiB is out of range"]),
        Bad(
            text: "listeners:\n  - role: ask\n",
            problems: ["bad.yaml:2: listeners[0]: has neither 'unix' nor 'tcp' nor 'fastagi'"]),
        Bad(
            text: "listeners:\n  - unix: /a\n    tcp: 127.0.0.1:1\n    role: ask\n",
            problems: ["bad.yaml:3: listeners[0].tcp: stands beside"]),
        Bad(
            text: "listeners:\n  - unix: a.sock\n    role: ask\n",
            problems: ["bad.yaml:2: listeners[0].unix: 'a.sock' is not an absolute path"]),
        Bad(text: "listeners:\n  - unix: /a\n", problems: ["bad.yaml:2: listeners[0]: 'role' is missing"]),
        Bad(
            text: "listeners:\n  - unix: /a\n    role: king\n",
            problems: ["bad.yaml:3: listeners[0].role: 'king' is not one of"]),
        Bad(
            text: "listeners:\n  - unix: /a\n    role: ask\n    mode: rw\n",
            problems: ["bad.yaml:4: listeners[0].mode: 'rw' is not a file mode"]),
        Bad(
            text: "listeners:\n  - tcp: 127.0.0.1\n    role: ask\n",
            problems: ["bad.yaml:2: listeners[0].tcp: '127.0.0.1' is not an address and port"]),
        Bad(
            text: "listeners:\n  - tcp: 127.0.0.1:1\n    role: admin\n",
            problems: ["bad.yaml:3: listeners[0].role: a TCP listener never carries"]),
        Bad(
            text: "listeners:\n  - tcp: 127.0.0.1:1\n    role: ask\n    mode: \"0600\"\n",
            problems: ["bad.yaml:4: listeners[0].mode: is for 'unix'"]),
        Bad(
            text: "listeners:\n  - { unix: /a, role: ask }\n  - { unix: /a, role: admin }\n",
            problems: ["bad.yaml:3: listeners[1]: listens where another one does"]),
        Bad(
            text: "listeners:\n  - fastagi: 4573\n",
            problems: ["bad.yaml:2: listeners[0].fastagi: '4573' is not an address and port"]),
        Bad(
            text: "listeners:\n  - fastagi: 127.0.0.1:4573\n    tcp: 127.0.0.1:4573\n    role: admin\n",
            problems: ["bad.yaml:3: listeners[0].tcp: stands beside", "bad.yaml:4: listeners[0].role: a 'fastagi'"]),
        Bad(
            text: "listeners:\n  - fastagi: 127.0.0.1:4573\n    allow_non_loopback: true\n    timeout: 1m\n",
            problems: [
                "bad.yaml:3: listeners[0].allow_non_loopback: is not for",
                "bad.yaml:4: listeners[0].timeout: 1m is out of",
            ]),
        Bad(
            text: "listeners:\n  - unix: /a\n    role: ask\n    timeout: 1s\n",
            problems: ["bad.yaml:4: listeners[0].timeout: is for 'fastagi'"]),
        Bad(text: "policy: {}\n", problems: ["bad.yaml:1: policy: is a map"]),
        Bad(text: "asterisk: { agi: x }\n", problems: ["bad.yaml:1: asterisk: unknown key 'agi'"]),
        Bad(
            text: "asterisk:\n  ami:\n    address: 192.0.2.1:5038\n    user: a b\n    secret: \"a\\nb\"\n",
            problems: [
                "bad.yaml:3: asterisk.ami.address: '192.0.2.1:5038' is not on this machine",
                "bad.yaml:4: asterisk.ami.user: 'a b' may have letters",
                "bad.yaml:5: asterisk.ami.secret: must be of 1",
            ]),
        Bad(
            text: "asterisk:\n  ami: {}\n",
            problems: [
                "bad.yaml:2: asterisk.ami: 'address' is missing", "bad.yaml:2: asterisk.ami: 'user' is missing",
                "bad.yaml:2: asterisk.ami: has neither 'secret' nor 'secret_file'",
            ]),
        Bad(
            text: "asterisk:\n  ami:\n    address: 127.0.0.1\n    user: feed\n    secret: x\n    secret_file: /y\n",
            problems: [
                "bad.yaml:3: asterisk.ami.address: '127.0.0.1' is not an address and port",
                "bad.yaml:6: asterisk.ami.secret_file: stands beside 'secret'",
            ]),
        Bad(
            text: "asterisk:\n  ami: { address: \"127.0.0.1:5038\", user: feed, secret_file: /nowhere/secret }\n",
            problems: ["bad.yaml:2: asterisk.ami.secret_file: '/nowhere/secret' cannot be opened"]),
        Bad(
            text: "asterisk:\n  ari:\n    address: 127.0.0.1:8088\n    user: guard\n    secret: x\n",
            problems: ["bad.yaml:3: asterisk.ari: 'domains' is missing"]),
        Bad(
            text: "asterisk:\n  ari:\n    address: 127.0.0.1:8088\n    user: guard\n    secret: x\n"
                + "    domains: [\"a,b\"]\n    most_sources: 0\n    context: a b\n",
            problems: [
                "bad.yaml:6: asterisk.ari.domains[0]: 'a,b' is no host name",
                "bad.yaml:7: asterisk.ari.most_sources: 0 is",
                "bad.yaml:8: asterisk.ari.context: 'a b' may have letters",
            ]),
    ]

    @Test(arguments: bad)
    func everyMistakeIsReportedWithItsLine(_ bad: Bad) {
        #expect {
            try ConfigurationFile.parse(text: bad.text, name: "bad.yaml")
        } throws: { error in
            let found = (error as? FileProblems)?.problems.map(\.description) ?? []
            let missing = bad.problems.filter { wanted in !found.contains { $0.hasPrefix(wanted) } }
            if !missing.isEmpty { Issue.record("missing \(missing) in \(found)") }
            return found.count == bad.problems.count
        }
    }

    @Test(arguments: [
        "unix:/run/a.sock", "unix:/run/a.sock,role=admin,mode=0600,owner=root,group=root",
        "tcp:127.0.0.1:4571,role=read",
        "tcp:[::1]:4571", "fastagi:127.0.0.1:4573", "fastagi:[::1]:4573,role=ask,timeout=500ms",
    ])
    func understandsAListenerOfTheCommandLine(option: String) {
        #expect(ListenerConfiguration(option: option) != nil)
    }

    @Test(arguments: [
        "", "/run/a.sock", "unix:/a,role=king", "unix:/a,mode=999", "unix:/a,colour=red", "unix:/a,role",
        "tcp:127.0.0.1",
        "tcp:127.0.0.1:0", "tcp:127.0.0.1:70000", "tcp:127.0.0.1:1,mode=0600", "udp:127.0.0.1:1",
        "fastagi:4573", "fastagi:127.0.0.1:4573,role=read", "fastagi:127.0.0.1:4573,timeout=1h",
        "fastagi:127.0.0.1:4573,mode=0600",
    ])
    func refusesWhatIsNoListener(option: String) {
        #expect(ListenerConfiguration(option: option) == nil)
    }
}

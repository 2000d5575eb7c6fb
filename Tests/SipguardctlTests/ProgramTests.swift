import Glibc
import JSON
import RPC
import Testing

/// The program against a listener of the daemon's own kind.
@Suite struct ProgramTests {
    @Test("a result becomes a table for people and stays JSON for scripts") func result() throws {
        let result: JSONValue = ["pong": true, "uptime_seconds": 61, "note": "\u{9B}2J"]
        try ScriptedDaemon(["daemon.ping": .success(result)]).serving { socket in
            let person = try Program.run(["ping"], environment: ["SIPGUARDD_SOCKET": socket])
            #expect(person == .init(status: 0, output: "sipguardd answers, up 1 min 1 s.\n", error: ""))
            let script = try Program.run(["--socket", socket, "ping", "--json"])
            #expect(script.output == #"{"pong":true,"uptime_seconds":61,"note":"\u009b2J"}"# + "\n")
        }
    }

    @Test("no answer of the daemon and no user agent reaches the terminal unescaped") func hostile() throws {
        let hostile = "\u{1B}]0;owned\u{7}\u{202E}"
        let bans: JSONValue = [
            "bans": [["address": "192.0.2.1", "comment": .string(hostile), "by": .string(hostile)]], "total": 1,
        ]
        let error = RPCError.invalidParams("source", hostile)
        try ScriptedDaemon(["ban.list": .success(bans), "source.show": .failure(error)]).serving { socket in
            for arguments in [["ban", "list"], ["ban", "list", "--json"], ["show", "x"], ["show", "x", "--json"]] {
                let outcome = try Program.run(arguments + ["--socket", socket])
                let all = outcome.output + outcome.error
                #expect(all.contains("owned"))
                #expect(!all.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{7}" || $0 == "\u{202E}" })
            }
        }
    }

    @Test(
        "the answer no is status 1",
        arguments: [
            (["ban", "remove", "192.0.2.1"], "ban.remove", #"{"removed":false}"#),
            (["allow", "remove", "192.0.2.1"], "allow.remove", #"{"removed":false}"#),
            (["forget", "192.0.2.1"], "source.forget", #"{"forgotten":false,"ban_removed":false}"#),
            (["show", "192.0.2.1"], "source.show", #"{"known":false,"protected":null,"ban":null}"#),
            (
                ["check", "--source-ip", "192.0.2.1", "--method", "OPTIONS", "--expect", "pass"], "guard.check",
                #"{"verdict":"drop"}"#
            ),
        ])
    func no(arguments: [String], method: String, result: String) throws {
        let answer = try JSONValue(parsing: result)
        try ScriptedDaemon([method: .success(answer)]).serving { socket in
            let outcome = try Program.run(arguments + ["--socket", socket])
            #expect(outcome.status == 1)
        }
    }

    @Test("errors of the daemon have their statuses") func errors() throws {
        let protected = RPCError(
            code: -32010, message: "Protected address", data: ["address": "::1", "protected": "own"])
        let policy = RPCError(code: -32011, message: "Policy", data: ["problems": ["p.yaml:3: x"]])
        let daemon = ScriptedDaemon(["ban.add": .failure(protected), "policy.reload": .failure(policy)])
        try daemon.serving { socket in
            let ban = try Program.run(["ban", "add", "::1", "--socket", socket])
            #expect(ban.status == 4)
            #expect(ban.error.contains("--force"))
            let reload = try Program.run(["reload", "--socket", socket])
            #expect(reload.status == 78)
            #expect(reload.error.contains("  p.yaml:3: x\n"))
        }
        try daemon.serving(as: .ask) { socket in
            let ban = try Program.run(["ban", "add", "::1", "--socket", socket])
            #expect(ban.status == 3)
            #expect(ban.error.contains("needs the role admin"))
        }
    }

    @Test("a message goes to the daemon byte by byte") func message() throws {
        let bytes = Array("OPTIONS sip:a SIP/2.0\r\nUser-Agent: \0".utf8) + [0xFF] + Array("ü\r\n\r\n".utf8)
        try ScriptedDaemon().serving { socket in
            let arguments = ["check", "--source-ip", "192.0.2.1", "--message", "-", "--json", "--socket", socket]
            let echo = try JSONValue(parsing: try Program.run(arguments, input: bytes).output)
            #expect(echo["message"] == "OPTIONS sip:a SIP/2.0\r\nUser-Agent: \0\u{FF}ü\r\n\r\n")
        }
    }

    @Test("a daemon that is not there: status 2 and what to do") func unreachable() throws {
        let directory = Directory()
        let missing = try Program.run(["ping", "--socket", directory.path + "/none"])
        #expect(missing.status == 2)
        #expect(missing.error.contains("systemctl start sipguardd"))
        let dead = try deadSocket(in: directory)
        let refused = try Program.run(["ping", "--socket", dead])
        #expect(refused.status == 2)
        #expect(refused.error.contains("nobody listens on \(dead)"))
        let file = try Program.run(["ping", "--socket", try directory.write("", to: "file")])
        #expect(file.status == 2)
        #expect(file.error.contains("is not a socket"))
    }

    @Test("a daemon that hangs costs the timeout, not more") func timeout() throws {
        let directory = Directory()
        let (path, descriptor) = try bound(in: directory, listening: true)
        defer { close(descriptor) }
        let outcome = try Program.run(["ping", "--timeout", "0.2", "--socket", path])
        #expect(outcome.status == 2)
        #expect(outcome.error.contains("no answer from \(path) within 0.2 s"))
    }

    @Test("policy files are judged without a daemon") func policy() throws {
        let directory = Directory()
        let good = try directory.write("version: 1\nextends: default\n", to: "good.yaml")
        let bad = try directory.write("version: 1\nextends: default\nlimts: 3\n", to: "bad.yaml")
        let sound = try Program.run(["policy", "check", good])
        #expect(sound.status == 0)
        #expect(sound.output.contains("no mistakes"))
        for command in [["policy", "check"], ["policy", "test"]] {
            let mistakes = try Program.run(command + [bad])
            #expect(mistakes.status == 78)
            #expect(mistakes.error.contains("\(bad):3: "))
        }
        #expect(try Program.run(["policy", "check", directory.path + "/none"]).status == 66)
        #expect(try Program.run(["policy", "check", "-"], input: [0xFF, 0xFE]).status == 78)
        #expect(try Program.run(["policy", "test", "--default"]).status == 0)
    }

    @Test("policy test fails a pipeline: status, and where each sample stands") func policyTest() throws {
        let directory = Directory()
        let signature = "  - { name: ua-x, purpose: scan, weight: 100, when: [{ user_agent: { equals: x } }], "
        let start = "version: 1\nextends: default\nsignatures:\n" + signature
        let good = try directory.write(
            start + "matches: [{ user_agent: X }], ignores: [{ user_agent: xy }] }\n", to: "good.yaml")
        let fine = try Program.run(["policy", "test", good])
        #expect(fine.status == 0 && fine.output.hasSuffix(", all as they should be.\n") && fine.error.isEmpty)
        let bad = try directory.write(
            start + "matches: [{ user_agent: y }], ignores: [{ user_agent: x }] }\n", to: "bad.yaml")
        let failed = try Program.run(["policy", "test", bad])
        #expect(failed.status == 1 && failed.error.isEmpty)
        let lines = failed.output.split(separator: "\n")
        #expect(lines.count == 3 && lines.prefix(2).allSatisfy { $0.hasPrefix("\(bad):4: ") })
        #expect(lines.first?.hasSuffix("does not match this sample, but must") == true)
        #expect(lines.dropFirst().first?.hasSuffix("matches this sample, but must not") == true)
        #expect(lines.last?.hasPrefix("2 of ") == true && lines.last?.hasSuffix(" examples went wrong.") == true)
        let result = try JSONValue(parsing: try Program.run(["policy", "test", bad, "--json"]).output)
        #expect(result["examples"]?.int64 ?? 0 > 2 && result["failures"]?.array?.count == 2)
    }

    @Test("the built-in policy is printed so that it is a policy again") func defaultPolicy() throws {
        let text = try Program.run(["policy", "show", "--default"]).output
        #expect(text.hasPrefix("#") || text.contains("version: 1"))
        #expect(try Program.run(["policy", "check", "-"], input: Array(text.utf8)).status == 0)
    }

    @Test("wrong usage is status 64") func usage() throws {
        #expect(try Program.run(["bogus"]).status == 64)
        #expect(try Program.run(["--help"]).status == 0)
    }

    /// A socket that nobody serves any more.
    private func deadSocket(in directory: Directory) throws -> String {
        let (path, descriptor) = try bound(in: directory, listening: false)
        close(descriptor)
        return path
    }

    private func bound(in directory: Directory, listening: Bool) throws -> (String, Int32) {
        let path = directory.path + "/s"
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        if listening { try #require(listen(descriptor, 4) == 0) }
        return (path, descriptor)
    }
}

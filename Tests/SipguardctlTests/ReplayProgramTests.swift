import Foundation
import JSON
import Testing

/// `sipguardctl replay` as a script runs it, without a daemon.
@Suite struct ReplayProgramTests {
    private let directory = Directory()
    private let base = "version: 1\nextends: default\n"

    /// Three requests of a phone and one of a scanner, as the daemon writes them.
    private func log() throws -> String {
        let line = { (second: Int, source: String, agent: String, verdict: String) in
            #"{"time":"2025-11-21T07:00:0\#(second).000000Z","check":{"source_ip":"\#(source)","method":"REGISTER","#
                + #""from_user":"1000","user_agent":"\#(agent)"},"result":{"verdict":"\#(verdict)"}}"# + "\n"
        }
        let text = (0..<3).map { line($0, "203.0.113.9", "phone", "pass") }.joined()
        return try directory.write(text + line(3, "198.51.100.7", "friendly-scanner", "ok200"), to: "log.jsonl")
    }

    private func run(_ arguments: [String], input: [UInt8] = []) throws -> Program.Outcome {
        try Program.run(["replay"] + arguments, input: input)
    }

    @Test("status 0: a table for people, JSON for scripts") func result() throws {
        let log = try log()
        let outcome = try run([log])
        #expect(outcome.status == 0 && outcome.error.isEmpty)
        #expect(outcome.output.contains("4 requests in 3 s, from 2025-11-21T07:00:00"))
        #expect(outcome.output.contains("All verdicts are those of then."))
        let result = try JSONValue(parsing: try run([log, "--json", "--top", "1"]).output)
        #expect(result["requests"] == 4 && result["verdicts"]?["pass"] == 3 && result["recorded"]?["same"] == 4)
        #expect(result["sources"]?.array?.count == 1 && result["sources"]?[0]?["source"] == "198.51.100.7")
        #expect(result["sources"]?[0]?["first_treated"] == 1 && result["comparison"] == nil)
    }

    @Test("status 1: another policy decides otherwise, 0: it does not") func comparison() throws {
        let other = try directory.write(
            base
                + "signatures:\n  - { name: p, purpose: scan, weight: 100, when: [{ user_agent: { equals: phone } }] }\n",
            to: "other.yaml")
        let outcome = try run([try log(), "--compare", other, "--json"])
        #expect(outcome.status == 1 && outcome.error.isEmpty)
        let comparison = try JSONValue(parsing: outcome.output)["comparison"]
        #expect(comparison?["requests"] == 3 && comparison?["sources"]?[0]?["source"] == "203.0.113.9")
        let same = try directory.write(base, to: "same.yaml")
        #expect(try run([try log(), "--compare", same]).status == 0)
        #expect(try run([try log(), "--policy", other, "--compare", other]).status == 0)
    }

    @Test("a log comes through a pipe, and several files one after another") func inputs() throws {
        let log = try log()
        let piped = try run(["-", "--json"], input: Array(try String(contentsOfFile: log, encoding: .utf8).utf8))
        #expect(piped.output == (try run([log, "--json"]).output) && piped.status == 0)
        #expect(try JSONValue(parsing: try run([log, log, "--json"]).output)["requests"] == 8)
    }

    @Test("what is wrong has its status and its advice") func problems() throws {
        let missing = try run([directory.path + "/none.pcap"])
        #expect(missing.status == 66 && missing.error.contains("cannot read"))
        let empty = try run([try directory.write("", to: "empty")])
        #expect(empty.status == 65 && empty.error.contains("is empty"))
        let other = try run([try directory.write("hello world, I am no capture\n", to: "text")])
        #expect(other.status == 65 && other.error.contains("file "))
        let policy = try directory.write(base + "limts: 3\n", to: "bad.yaml")
        for option in ["--policy", "--compare"] {
            let bad = try run([try log(), option, policy])
            #expect(bad.status == 78 && bad.error.contains("\(policy):3: ") && bad.output.isEmpty)
        }
        #expect(try run([]).status == 64)
    }
}

import Glibc
import JSON
import Policy
import Synchronization
import Testing

@testable import Guard

@Suite struct DecisionLogTests {
    private let directory = TemporaryDirectory()
    private let path: String

    init() { path = directory.file("decisions.jsonl") }

    private func log(_ change: (inout DecisionLog.Settings) -> Void = { _ in }) -> DecisionLog {
        var settings = DecisionLog.Settings(path: path)
        change(&settings)
        return DecisionLog(settings)
    }

    private func lines(_ file: String) throws -> [JSONValue] {
        try text(file).split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }

    private func text(_ file: String) -> String {
        guard let stream = fopen(file, "r") else { return "" }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 4 << 20)
        return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, stream)], as: UTF8.self)
    }

    @Test func aLineHasWhatWasAskedAndAnswered() throws {
        let log = log()
        let house = try House(decisionLog: log)
        let begun = Clock.text(of: Clock.now)
        let answer = try house.call(
            "guard.check",
            [
                "source_ip": "2001:db8::7", "method": "REGISTER", "from_user": "O'Brien \u{1}", "transport": "udp",
                "cseq": 7, "auth_nonce_valid": true,
            ])
        try house.call("guard.report", ["source_ip": "203.0.113.5", "outcome": "auth_failed", "user": "1001"])
        #expect(DecisionLogWriter(log).write() == nil)
        let lines = try lines(path)
        #expect(lines.count == 2)
        #expect(lines[0]["result"] == answer)
        #expect(
            lines[0]["check"] == [
                "source_ip": "2001:db8::7", "transport": "udp", "method": "REGISTER", "from_user": "O'Brien \u{1}",
                "cseq": 7, "auth_nonce_valid": true,
            ])
        #expect(lines[1]["report"] == ["outcome": "auth_failed", "source_ip": "203.0.113.5", "auth_user": "1001"])
        let time = try #require(lines[0]["time"]?.string)
        #expect(time.hasSuffix("Z") && time.count == 27)
        // Those are cut to seconds.
        #expect(begun.dropLast() <= time.dropLast(8) && time.dropLast(8) <= Clock.text(of: Clock.now).dropLast())
    }

    @Test func aLineHasEveryFact() throws {
        let log = log()
        let house = try House(decisionLog: log)
        var facts = JSONObject()
        for (name, value) in ["cseq": 0, "max_forwards": 70, "count": 12] { facts[name] = .int(Int64(value)) }
        for (name, value) in ["source_ip": "203.0.113.5", "transport": "wss"] { facts[name] = .string(value) }
        for (number, field) in Field.allCases.enumerated() {
            facts[field.name] = .string(String(repeating: "\"ü\\\t", count: number) + field.name)
        }
        try house.call("guard.check", .object(facts))
        #expect(DecisionLogWriter(log).write() == nil)
        #expect(try lines(path)[0]["check"] == .object(facts))
    }

    @Test func textsAreCutAndTheOthersStayWhole() throws {
        let log = log()
        let house = try House(decisionLog: log)
        let most = LogRecord.mostBytesOfFact
        for length in [0, 1, most - 1, most, most + 1, 3000] {
            for field in Field.allCases where field != .method {
                let long = String(repeating: "x", count: length)
                var facts: JSONObject = [
                    "source_ip": "203.0.113.5", "method": "OPTIONS", "from_display": "a", "anomaly": "z", "call_id": "",
                ]
                facts[field.name] = .string(long)
                try house.call("guard.check", .object(facts))
                #expect(DecisionLogWriter(log).write() == nil)
                facts[field.name] = .string(String(long.prefix(most)))
                let found = try lines(path).last?["check"]
                #expect(found == .object(facts))
            }
        }
        let whole = String(repeating: "x", count: most)
        var facts: JSONObject = ["source_ip": "203.0.113.5", "method": "OPTIONS"]
        for field in Field.allCases where field != .method { facts[field.name] = .string(whole) }
        try house.call("guard.check", .object(facts))
        #expect(DecisionLogWriter(log).write() == nil)
        #expect(try lines(path).last?["check"] == .object(facts) && log.lost == 0)
    }

    @Test func whatIsNoUTF8IsWrittenAsJSON() throws {
        let log = log()
        let session = try House(decisionLog: log).connection(role: .ask)
        let lines = [
            "OPTIONS sip:a@b SIP/2.0", #"From: <sip:\u00ff\u0000@b>;tag=\ud83d\ude00"#, #"User-Agent: \u00e9\u0001"#,
            #"\r\n"#,
        ]
        let message = lines.joined(separator: #"\r\n"#)
        _ = try session.verdict(try JSONValue(parsing: #"{"source_ip":"203.0.113.5","message":"\#(message)"}"#))
        #expect(DecisionLogWriter(log).write() == nil)
        let check = try #require(try self.lines(path).first?["check"])
        #expect(check["user_agent"] == "\u{e9}\u{1}" && check["from_tag"] == "\u{1F600}")
    }

    @Test func aLineHasTheWholeResult() throws {
        let log = log()
        let house = try House(decisionLog: log)
        let scanner: JSONValue = ["source_ip": "203.0.113.5", "method": "REGISTER", "user_agent": "friendly-scanner"]
        var answers: [JSONValue] = []
        for _ in 0..<40 { answers.append(try house.call("guard.check", scanner)) }
        try house.call("ban.add", ["address": "198.51.100.7"])
        answers.append(try house.call("guard.check", ["source_ip": "198.51.100.7", "method": "OPTIONS"]))
        #expect(DecisionLogWriter(log).write() == nil)
        let results = try lines(path).map { $0["result"] }
        // A lease's User-Agent stands in the line already.
        let told = answers.map { answer -> JSONValue? in
            guard var members = answer.object else { return nil }
            members["user_agent"] = nil
            return .object(members)
        }
        #expect(results == told)
        // The fake answer, silence under a lease, and what somebody has banned.
        let seen = Set(answers.compactMap { $0["verdict"]?.string })
        #expect(seen.isSuperset(of: ["ok200", "drop"]) && answers.contains { $0["ttl"]?.int64 ?? 0 > 0 })
    }

    @Test func aReportHasAllThatWasTold() throws {
        let log = log { $0.coverage = .treated }
        let report: JSONValue = [
            "outcome": "dropped", "source_ip": "203.0.113.5", "transport": "udp", "method": "REGISTER", "cseq": 3,
            "auth_nonce_valid": true, "count": 7,
        ]
        try House(decisionLog: log).call("guard.report", report)
        #expect(DecisionLogWriter(log).write() == nil)
        #expect(try lines(path).map { $0["report"] } == [report])
    }

    @Test func noPasswordReachesTheFile() throws {
        let log = log()
        let house = try House(decisionLog: log)
        let secret = "s3cret"
        let hex = Array("1000:\(secret)\u{1}12345".utf8).map { String($0, radix: 16) }
            .map { $0.count == 1 ? "0" + $0 : $0 }.joined()
        let long = String(repeating: "u", count: LogRecord.mostBytesOfFact - 8)
        let uris = [
            "sip:1000:\(secret)@h", "<sip:a@h>, <sips:1000:\(secret)@h>", "sip:1000:p@ \"\(secret)@h",
            // Cut behind the third byte of it.
            "sip:\(long):\(secret)@h",
        ]
        for uri in uris {
            let facts: JSONObject = [
                "source_ip": "203.0.113.5", "method": "REGISTER", "from_tag": .string(hex), "ruri": .string(uri),
                "contact": .string(uri),
            ]
            try house.call("guard.check", .object(facts))
            var report = facts
            report["outcome"] = "auth_failed"
            try house.call("guard.report", .object(report))
        }
        #expect(DecisionLogWriter(log).write() == nil)
        let written = text(path)
        let inHex = Array(secret.utf8).map { String($0, radix: 16) }.joined()
        #expect(hex.contains(inHex) && written.utf8.count > 1000)
        // The beginning of it would be too much as well.
        for part in [secret, "s3c", inHex] { #expect(!written.contains(part)) }
    }

    @Test func linesOfManyConnectionsStandInTheOrderOfTime() throws {
        let log = log()
        let house = try House(decisionLog: log)
        let connections = (0..<11).map { _ in house.connection(role: .ask) }
        for number in 0..<200 {
            let request: JSONValue = ["source_ip": "203.0.113.5", "method": "OPTIONS", "cseq": .int(Int64(number))]
            _ = try connections[number * 7 % 11].verdict(request)
        }
        #expect(DecisionLogWriter(log).write() == nil)
        let lines = try lines(path)
        #expect(lines.map { $0["check"]?["cseq"]?.int64 } == (0..<200).map { Int64($0) })
        let times = lines.compactMap { $0["time"]?.string }
        #expect(times.count == 200 && times == times.sorted())
    }

    @Test func numbersAreLoggedAsTheyWereTold() throws {
        let log = log()
        let house = try House(decisionLog: log)
        _ = try house.verdict(["source_ip": "203.0.113.5", "method": "OPTIONS", "cseq": -5, "max_forwards": 70])
        #expect(DecisionLogWriter(log).write() == nil)
        let check = try lines(path)[0]["check"]
        #expect(check?["cseq"] == -5 && check?["max_forwards"] == 70)
    }

    @Test func whatPassedIsLeftOutWhereOnlyTreatedRequestsAreWanted() throws {
        let log = log { $0.coverage = .treated }
        let house = try House(decisionLog: log)
        for agent in ["Yealink SIP-T46S", "friendly-scanner"] {
            _ = try house.verdict(["source_ip": "203.0.113.5", "method": "OPTIONS", "user_agent": .string(agent)])
        }
        try house.call("guard.report", ["source_ip": "203.0.113.5", "outcome": "challenged"])
        #expect(DecisionLogWriter(log).write() == nil)
        #expect(try lines(path).map { $0["check"]?["user_agent"] } == ["friendly-scanner"])
    }

    @Test func filesAreBoundedInSizeAndNumber() throws {
        let log = log { ($0.size, $0.files) = (64 << 10, 3) }
        let house = try House(decisionLog: log)
        let writer = DecisionLogWriter(log)
        for turn in 0..<20 {
            for _ in 0..<100 {
                _ = try house.verdict(["source_ip": "203.0.113.5", "method": "OPTIONS", "call_id": "turn \(turn)"])
            }
            #expect(writer.write() == nil)
        }
        let files = [path, path + ".1", path + ".2"]
        for file in files { #expect((1...(64 << 10)).contains(text(file).utf8.count)) }
        #expect(text(path + ".3").isEmpty && log.lost == 0)
        #expect(try lines(path).last?["check"]?["call_id"] == "turn 19")
    }

    @Test func nobodyWaitsForAStripeThatIsHeld() throws {
        let log = log()
        let house = try House(decisionLog: log)
        /// Decides while the first of the stripes, from that of the house on, are held.
        func decide(holding count: Int, from stripe: Int = 0) throws {
            guard stripe < count else {
                #expect(try house.verdict(["source_ip": "203.0.113.5", "method": "OPTIONS"]) == "pass")
                return
            }
            // Who waited for it here, on the same thread, would end the program.
            try log.stripes[stripe].buffer.withLock { _ in try decide(holding: count, from: stripe + 1) }
        }
        try decide(holding: DecisionLog.stripesTried - 1)
        #expect(log.lost == 0)
        try decide(holding: DecisionLog.stripesTried)
        #expect(log.lost == 1)
        #expect(DecisionLogWriter(log).write() == nil)
        #expect(try lines(path).count == 1)
    }

    @Test func whatFindsNoRoomIsCounted() throws {
        let log = log()
        let house = try House(decisionLog: log)
        let record = 128 + LogRecord.mostBytesOfFact
        let room = DecisionLog.stripesTried * DecisionLog.stripeBytes / record
        for _ in 0..<(2 * room) {
            let request: JSONValue = [
                "source_ip": "203.0.113.5", "method": "OPTIONS", "ruri": .string(String(repeating: "x", count: 4000)),
            ]
            _ = try house.verdict(request)
        }
        #expect(log.lost > 0 && log.lost < 2 * room)
        #expect(try house.call("stats.get")["errors"]?["decisions_not_logged"]?.int64 == Int64(log.lost))
        #expect(DecisionLogWriter(log).write() == nil)
        #expect(try lines(path).count == 2 * room - log.lost)
        #expect(try lines(path)[0]["check"]?["ruri"]?.string?.count == LogRecord.mostBytesOfFact)
    }

    @Test func aFullDiskIsSaidOnceAndTheEndOfIt() throws {
        var settings = DecisionLog.Settings(path: "/dev/full")
        let log = DecisionLog(settings)
        let house = try House(decisionLog: log)
        let writer = DecisionLogWriter(log)
        var events: [GuardEvent?] = []
        for _ in 0..<3 {
            _ = try house.verdict(["source_ip": "203.0.113.5", "method": "OPTIONS"])
            events.append(writer.write())
        }
        guard case .decisionLogFailing(let problem) = events[0] else { throw Mistake() }
        #expect(problem == "/dev/full: No space left on device" && events[1] == nil && events[2] == nil)
        #expect(log.lost == 3)
        settings.path = directory.file("missing/decisions.jsonl")
        let missing = DecisionLog(settings)
        _ = try House(decisionLog: missing).verdict(["source_ip": "203.0.113.5", "method": "OPTIONS"])
        guard case .decisionLogFailing = DecisionLogWriter(missing).write() else { throw Mistake() }
    }

    @Test func aFileThatWasMovedAwayBeginsAnew() throws {
        let log = log()
        let house = try House(decisionLog: log)
        let writer = DecisionLogWriter(log)
        for _ in 0..<2 {
            _ = try house.verdict(["source_ip": "203.0.113.5", "method": "OPTIONS"])
            #expect(writer.write() == nil)
            rename(path, directory.file("moved"))
        }
        #expect(try lines(directory.file("moved")).count == 1)
    }

    private struct Mistake: Error {}
}

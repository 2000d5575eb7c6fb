import Guard
import Policy
import PolicyFile
import Testing

@testable import Replay

@Suite struct RecordingTests {
    private static let phone = "198.51.100.7"
    private static let server = "203.0.113.1"

    private static func sent(_ bytes: [UInt8]) -> [UInt8] {
        Packets.ethernet(Packets.ip(Packets.udp(bytes, from: 5062), from: phone, to: server))
    }

    private static func answered(_ bytes: [UInt8]) -> [UInt8] {
        Packets.ethernet(Packets.ip(Packets.udp(bytes, to: 5062), from: server, to: phone))
    }

    private func events(_ frames: [[UInt8]], servers: Servers? = nil) throws -> [RecordedEvent] {
        let file = TemporaryFile(Packets.capture(frames.enumerated().map { (1000 + Double($0) / 10, $1) }))
        var events: [RecordedEvent] = []
        let reading = try Recording(path: file.path).read(servers: servers) { events.append($0) }
        #expect(reading.problem == nil)
        return events
    }

    @Test(
        "a response says what became of the request",
        arguments: [
            ("", "401 Unauthorized", "", Outcome.challenged), (Packets.digest, "401 Unauthorized", "", .authFailed),
            (Packets.digest, "407 Proxy Authentication Required", "", .authFailed),
            (
                Packets.digest, "401 No", "WWW-Authenticate: Digest realm=\"x\", nonce=\"n2\", stale=TRUE\r\n",
                .challenged
            ),
            ("", "403 Forbidden", "", .rejected), (Packets.digest, "403 Forbidden", "", .authFailed),
            ("", "404 Not Found", "", .unknownUser), (Packets.digest, "404 Not Found", "", .unknownUser),
            ("", "200 OK", "", .accepted), (Packets.digest, "200 OK", "", .accepted),
            ("", "200 OK", Packets.binding, .accepted), (Packets.digest, "200 OK", Packets.binding, .authOK),
            (Packets.digest, "200 OK", "m: <sip:1000@198.51.100.7:5062>\r\n", .authOK),
            (Packets.digest, "200 OK", "Contact: \r\n", .accepted),
            ("", "486 Busy Here", "", .rejected),
        ])
    func outcome(credentials: String, status: String, header: String, outcome: Outcome) throws {
        let request = Packets.request(more: credentials)
        let response = Packets.response(status, more: header)
        let trying = Self.answered(Packets.response("100 Trying"))
        // The response comes twice, as over UDP it may.
        let events = try events([Self.sent(request), trying, Self.answered(response), Self.answered(response)])
        #expect(events.map(\.kind) == [.request, .report(outcome)])
        #expect(events.allSatisfy { $0.request.source == IPAddress(Self.phone) })
        #expect(events[1].request.withFacts { $0.user.text } == "1000")
    }

    @Test func aDigestForANonceOfTheServerProvesTheSource() throws {
        let challenged = [
            Self.sent(Packets.request()), Self.answered(Packets.response("401 x", more: Packets.challenge)),
        ]
        let login = Self.sent(Packets.request(number: 2, more: Packets.digest))
        #expect(try events(challenged + [login]).map(\.request.nonceIsValid) == [false, false, true])
        #expect(try events([login]).map(\.request.nonceIsValid) == [false])
    }

    @Test func anAnswerThatDisarmsIsNoLogin() throws {
        let frames = [
            Self.sent(Packets.request(more: Packets.digest)), Self.answered(Packets.response("200 OK", tag: "x")),
        ]
        #expect(try events(frames).map(\.kind) == [.request])
    }

    /// How many of sixty guesses are treated of which the twelfth is answered with a 200 that has this header.
    private func treated(guessing header: String) throws -> Int {
        let guesses = (1...60).flatMap { number -> [[UInt8]] in
            let status = number == 12 ? "200 OK" : "401 Unauthorized"
            return [
                Self.sent(Packets.request(number: number, more: Packets.digest)),
                Self.answered(Packets.response(status, number: number, more: number == 12 ? header : "")),
            ]
        }
        let simulation = Simulation(policy: .builtIn)
        var treated = 0
        for event in try events(guesses) {
            event.request.withFacts { facts in
                switch event.kind {
                case .request: treated += simulation.check(facts, at: event.at).answer == .pass ? 0 : 1
                case .report(let outcome): simulation.report(outcome, facts, at: event.at)
                }
            }
        }
        return treated
    }

    @Test func aPlain200EarnsAGuesserNoTrust() throws {
        let without = try treated(guessing: "X-None: 1\r\n")
        #expect(without > 40)
        // The same with the bindings of a real login is another story.
        #expect(try treated(guessing: Packets.binding) < without)
    }

    @Test func onlyWhatComesToTheServerIsDecidedAbout() throws {
        let notify = Self.answered(Packets.request("NOTIFY", number: 9))
        let frames = [Self.sent(Packets.request()), Self.sent(Packets.request("ACK", number: 3)), notify]
        let sources = try events(frames + [Self.sent(Packets.request(number: 4))]).map(\.request.source.description)
        #expect(sources == [Self.phone, Self.phone])
        let other = try events(frames, servers: Servers([.init("198.51.100.0/24")!]))
        #expect(other.map(\.request.source.description) == [Self.server])
    }

    @Test func onTheLoopbackThePortTellsTheServer() throws {
        let request = Packets.ip(Packets.udp(Packets.request(), from: 5062), from: "127.0.0.1", to: "127.0.0.1")
        let notify = Packets.ip(Packets.udp(Packets.request("NOTIFY"), to: 5062), from: "127.0.0.1", to: "127.0.0.1")
        let again = Packets.ip(Packets.udp(Packets.request(), from: 5062), from: "127.0.0.1", to: "127.0.0.1", id: 2)
        let capture = Packets.capture([request, again, notify].map { (1, $0) }, linkType: 12)
        let file = TemporaryFile(capture)
        let servers = try #require(try Recording(path: file.path).servers(given: nil))
        #expect(servers.names == ["127.0.0.1:5060"] && servers.own.isEmpty)
    }

    @Test(
        "the server is written as an address, a network or with a port",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("192.0.2.0/24", "192.0.2.0/24"), ("192.0.2.1:5060", "192.0.2.1:5060"),
            ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]:5060", "[2001:db8::1]:5060"), ("pbx", nil),
            ("1.2.3.4:x", nil),
        ] as [(String, String?)])
    func server(text: String, name: String?) {
        #expect(Servers.Entry(text).map { Servers([$0]).names } == name.map { [$0] })
    }

    @Test(
        "what is wrong with a file is said with what to do",
        arguments: [
            ([], "is empty", ""), (Array("hello world, I am no capture".utf8), "unknown file format", "file "),
            (Packets.capture([(1, [1, 2, 3])], linkType: 147), "cannot be read", "editcap"),
            (Packets.capture([(1, Packets.ethernet([0x45, 0]))]), "no SIP request", "tcpdump"),
            (Array("{\"x\":1}\n".utf8), "no decision", "decision_log"),
        ])
    func problem(bytes: [UInt8], problem: String, advice: String) {
        let file = TemporaryFile(bytes)
        let error = #expect(throws: RecordingProblem.self) {
            _ = try Recording(path: file.path).read(servers: nil) { _ in }
        }
        #expect(error?.problem.contains(problem) == true)
        #expect(error?.advice.joined().contains(advice) == true || advice.isEmpty)
    }

    @Test func aCaptureThatEndsTooEarlyIsReadUpToThere() throws {
        let whole = Packets.capture([(1, Self.sent(Packets.request())), (2, Self.sent(Packets.request(number: 2)))])
        let file = TemporaryFile(whole.dropLast(10))
        var count = 0
        let reading = try Recording(path: file.path).read(servers: nil) { _ in count += 1 }
        #expect(count == 1 && reading.problem?.problem.contains("truncated") == true)
        #expect(throws: RecordingProblem.self) { try Recording(path: "/nonexistent") }
    }

    @Test func anyBytesInAFileDoNoHarm() {
        let whole = Packets.capture([(1, Self.sent(Packets.request())), (2, Self.answered(Packets.response("200 OK")))])
        for turn in 0..<400 {
            var bytes = whole
            for _ in 0...(turn % 8) { bytes[.random(in: 0..<bytes.count)] = .random(in: 0...255) }
            let file = TemporaryFile(bytes)
            var count = 0
            _ = try? Recording(path: file.path).read(servers: nil) { _ in count += 1 }
            #expect(count <= 2)
        }
    }

    @Test(
        "lines that are no decisions are none",
        arguments: [
            "", "{}", "[]", "null", #"{"time":"2026-11-21T11:22:33Z"}"#,
            #"{"time":"x","check":{"source_ip":"192.0.2.1"}}"#,
            #"{"time":"2026-11-21T11:22:33Z","check":{"source_ip":"nowhere"}}"#,
            #"{"time":"2026-11-21T11:22:33Z","check":[]}"#,
            #"{"time":"2026-11-21T11:22:33Z","report":{"source_ip":"192.0.2.1","outcome":"luck"}}"#,
        ])
    func badLine(line: String) {
        #expect(Array(line.utf8).withUnsafeBytes { DecisionLogLine.event($0) } == nil)
    }

    @Test(
        "times are those of RFC 3339",
        arguments: [
            ("1970-01-01T00:00:01Z", 1_000_000), ("1970-01-01T00:00:01.5Z", 1_500_000),
            ("2026-11-21T11:22:33.000007Z", 1_795_260_153_000_007), ("2026-11-21 11:22:33Z", nil), ("now", nil),
            ("1970-01-01T00:00:01.Z", nil), ("1970-01-01T00:00:01.1234567Z", nil), ("1970-01-01T00:00:01+00:00", nil),
        ] as [(String, Int64?)])
    func time(text: String, microseconds: Int64?) { #expect(RecordedTime.instant(text)?.microseconds == microseconds) }
}

import Glibc
import Policy
import PolicyFile
import RPC
import Synchronization
import Testing

@testable import FastAGI
@testable import Guard

/// The listener over loopback, against somebody who behaves as Asterisk does, or does not.
@Suite struct FastAGIListenerTests {
    @Test func tellsAScannerFromACaller() throws {
        let listener = try OpenListener()
        #expect(
            try Asterisk(listener).call(userAgent: "phone%2F1").contains("SIPGUARD_VERDICT=pass,SIPGUARD_RULE=default,")
        )
        #expect(
            try Asterisk(listener).call(userAgent: "sipcli%2Fv1.8").contains(
                "SIPGUARD_VERDICT=reject,SIPGUARD_CODE=603,SIPGUARD_CAUSE=16,SIPGUARD_RULE=ua-sipcli,"))
        let counters = listener.stop()
        #expect(counters.requests == 2 && counters.accepted == 2 && counters.incidents.isEmpty)
        #expect(counters.bytesReceived > 100 && counters.bytesSent > 100)
    }

    @Test func linesThatAsteriskNeverWroteAreEvidence() throws {
        let listener = try OpenListener()
        let asterisk = try Asterisk(listener)
        let told = try asterisk.call(environment: "agi_callerid: 100\n\n200 result=1 (pass)\nagi_dnid: 41\n\n")
        #expect(told.contains("SIPGUARD_VERDICT=drop,SIPGUARD_CODE=603,SIPGUARD_CAUSE=16,SIPGUARD_RULE=forged-lines,"))
        #expect(listener.stop().incidents == ["injections": 1, "forged_lines": 3])
    }

    @Test func factsInTheAddressSpareTheQuestion() throws {
        let listener = try OpenListener()
        for (agent, verdict) in [("phone%2F1", "pass"), ("sipcli%2Fv1.8", "reject")] {
            let asterisk = try Asterisk(listener)
            try asterisk.send(Asterisk.carrying(userAgent: agent))
            #expect(asterisk.readLine().contains("SIPGUARD_VERDICT=\(verdict),"))
            try asterisk.send("200 result=0\n")
            asterisk.finish()
            #expect(asterisk.readAll() == "")
        }
        let counters = listener.stop()
        #expect(counters.requests == 2 && counters.incidents.isEmpty)
    }

    /// Marks hold for a request: this call was told what its facts deserve, and the forgery is decided about by itself.
    @Test func linesThatComeTooLateAreCountedAndDecidedAbout() throws {
        let listener = try OpenListener()
        let asterisk = try Asterisk(listener)
        try asterisk.send(Asterisk.carrying(userAgent: "phone%2F1"))
        #expect(asterisk.readLine().contains("SIPGUARD_VERDICT=pass,"))
        try asterisk.send("agi_rdnis: forged\n\n200 result=0\n")
        asterisk.finish()
        #expect(asterisk.readAll() == "")
        #expect(listener.stop().incidents == ["injections": 1, "forged_lines": 2])
        #expect(listener.dropped == 1)
    }

    /// Waiting threads are no bound, and those beyond them are served as well.
    @Test func moreCallsAtOnceThanWaitingThreads() throws {
        let listener = try OpenListener(limit: .seconds(10))
        let all = try (0..<40).map { _ in try Asterisk(listener) }
        for asterisk in all { try asterisk.send(Asterisk.carrying(userAgent: "phone%2F1")) }
        for asterisk in all { #expect(asterisk.readLine().contains("SIPGUARD_VERDICT=pass")) }
        for asterisk in all {
            try asterisk.send("200 result=0\n")
            asterisk.finish()
        }
        for asterisk in all { #expect(asterisk.readAll() == "") }
        #expect(listener.stop().requests == 40)
    }

    @Test func aHangUpAndAClosedConnectionAreCountedAndAreNoTrouble() throws {
        let listener = try OpenListener()
        let hungUp = try Asterisk(listener)
        _ = try hungUp.call(confirmation: "HANGUP\n")
        for text in ["agi_network: yes\n", ""] {
            let asterisk = try Asterisk(listener)
            try asterisk.send(text)
            asterisk.finish()
            #expect(asterisk.readAll() == "")
        }
        let counters = listener.stop()
        #expect(counters.incidents == ["hung_up": 1, "closed_early": 2] && counters.requests == 0)
        #expect(listener.events == [])
    }

    @Test func garbageIsClosed() throws {
        let listener = try OpenListener()
        let odd = try Asterisk(listener)
        _ = try odd.call(confirmation: "510 Invalid or unknown command\n")
        #expect(odd.readAll() == "")
        let endless = try Asterisk(listener)
        try endless.send(String(repeating: "x", count: 64 << 10))
        #expect(endless.readAll() == "")
        #expect(listener.stop().incidents == ["odd": 1, "too_long": 1])
        // One line for the change, by whichever connection's thread came first.
        #expect(listener.events.count == 1)
        #expect([.exchangesFailing("odd"), .exchangesFailing("too_long")].contains(listener.events.first))
    }

    /// Whoever never answers, or drips, is left within the limit.
    @Test(arguments: ["", "agi_network: yes\n\n"]) func aSilentPeerIsLeftInTime(text: String) throws {
        let listener = try OpenListener(limit: .milliseconds(30))
        let asterisk = try Asterisk(listener)
        try asterisk.send(text)
        let begun = ContinuousClock.now
        _ = asterisk.readAll()
        let waited = begun.duration(to: .now)
        #expect(waited < .seconds(10))
        #expect(listener.stop().incidents == ["timed_out": 1])
        #expect(listener.events == [.exchangesFailing("timed_out")])
    }

    @Test func moreConnectionsThanAllowedAreClosedAtOnce() throws {
        let listener = try OpenListener(limit: .seconds(10), connections: 2)
        let first = [try Asterisk(listener), try Asterisk(listener)]
        for asterisk in first {
            try asterisk.send(Asterisk.environment)
            #expect(asterisk.readLine().hasPrefix("GET FULL VARIABLE"))
        }
        #expect(try Asterisk(listener).readAll() == "")
        for asterisk in first {
            asterisk.finish()
        }
        let counters = listener.stop()
        #expect(counters.refused == 1 && counters.accepted == 2)
        #expect(listener.events.first == .full(connections: 2))
    }

    @Test func drainingLetsAnExchangeComeToItsEnd() throws {
        let listener = try OpenListener(limit: .seconds(10))
        let asterisk = try Asterisk(listener)
        try asterisk.send(Asterisk.environment)
        let question = asterisk.readLine()
        let stopped = Mutex<ListenerCounters?>(nil)
        let thread = OtherThread { stopped.withLock { $0 = listener.stop() } }
        try asterisk.answer(question)
        #expect(asterisk.readLine().contains("SIPGUARD_VERDICT=pass"))
        try asterisk.send("200 result=0\n")
        #expect(asterisk.readAll() == "")
        thread.join()
        #expect(stopped.withLock { $0?.requests } == 1)
    }

    @Test func onlyLoopbackIsListenedOn() {
        #expect(throws: ListenerError.notLoopback("192.0.2.1")) {
            _ = try OpenListener(host: "192.0.2.1")
        }
    }
}

/// A listener on a port that the system chose, with the built-in policy and no own addresses.
final class OpenListener: Sendable {
    private let listener: SocketListener
    private let state: GuardState
    private let seen = EventLog()

    final class EventLog: Sendable { let events = Mutex<[ListenerEvent]>([]) }

    init(host: String = "127.0.0.1", limit: Duration = .seconds(5), connections: Int = 256) throws {
        let document = try PolicyDocument.parse(
            text: "version: 1\nextends: default\nown_addresses: []\n", name: "test.yaml")
        state = GuardState(
            policy: LoadedPolicy(document: document, path: nil, loadedAt: Clock.now), memory: 1 << 20, version: "test")
        var configuration = ListenerConfiguration(
            name: "fastagi", endpoint: .tcp(.init(host: host, port: 0)), role: .ask)
        (configuration.exchangeLimit, configuration.maxConnections) = (limit, connections)
        configuration.drainLimit = .seconds(20)
        listener = try SocketListener(fastAGI: configuration, state: state) { [seen] event in
            seen.events.withLock { $0.append(event) }
        }
        try listener.start()
    }

    var port: UInt16 { listener.port ?? 0 }
    var events: [ListenerEvent] { seen.events.withLock { $0 } }

    /// How many requests were to be dropped.
    var dropped: UInt64 { state.totals.count(of: Verdict.drop) }

    /// Ends it; what it has counted is complete then.
    func stop() -> ListenerCounters {
        listener.stop()
        return listener.counters
    }
}

/// A connection as Asterisk makes it.
final class Asterisk {
    static let environment = "agi_network: yes\nagi_network_script: check\nagi_callerid: 100\nagi_extension: 41\n\n"
    private let descriptor: Int32

    /// An environment with the facts in its second line.
    static func carrying(userAgent: String) -> String {
        let facts = "source=192.0.2.7%3A5060&ruri=sip%3A41%40h&from=%3Csip%3A100%40h%3E&ua=\(userAgent)&end"
        return "agi_network: yes\nagi_network_script: check?\(facts)\nagi_callerid: 100\nagi_extension: 41\n\n"
    }

    init(_ listener: OpenListener) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = listener.port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(code == 0)
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        // The listener may close before all is taken.
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Without the line feed; empty at the end.
    func readLine() -> String {
        var (line, byte): ([UInt8], UInt8) = ([], 0)
        while recv(descriptor, &byte, 1, 0) == 1, byte != 0x0A { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }

    func readAll() -> String {
        var (all, byte): ([UInt8], UInt8) = ([], 0)
        while recv(descriptor, &byte, 1, 0) == 1 { all.append(byte) }
        return String(decoding: all, as: UTF8.self)
    }

    /// Answers the question for the facts with a plain call from 192.0.2.7.
    func answer(_ question: String, userAgent: String = "phone%2F1") throws {
        let nonce = try #require(question.split(separator: "\"").dropFirst().first?.split(separator: " ").first)
        let values = plainValues.prefix(3) + [userAgent]
        try send("200 result=1 (\(nonce) \(values.joined(separator: " ")) .)\n")
    }

    /// One exchange from its beginning; what it was told.
    func call(
        userAgent: String = "phone%2F1", environment: String = Asterisk.environment,
        confirmation: String = "200 result=0\n"
    ) throws -> String {
        try send(environment)
        try answer(readLine(), userAgent: userAgent)
        let told = readLine()
        try send(confirmation)
        #expect(readAll() == "")
        return told
    }
}

/// A thread beside the test's own.
private struct OtherThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var thread = pthread_t()

    init(_ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(run))
        let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
            return nil
        }
        pthread_create(&thread, nil, start, body.toOpaque())
    }

    func join() { pthread_join(thread, nil) }
}

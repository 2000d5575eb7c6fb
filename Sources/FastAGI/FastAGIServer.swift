import AGI
import Glibc
import Guard
import Policy
import RPC
import Synchronization

extension WireProtocol {
    /// Asterisk's Gateway Interface over TCP.
    public static let fastAGI = WireProtocol(name: "fastagi")
}

extension SocketListener {
    /// A listener that Asterisk's dialplan asks by `AGI(agi://...)`.
    public convenience init(
        fastAGI configuration: ListenerConfiguration, state: GuardState,
        onEvent: (@Sendable (ListenerEvent) -> Void)? = nil
    ) throws(ListenerError) {
        var configuration = configuration
        // An exchange takes half a millisecond, so these carry thousands of calls a second.
        configuration.wireProtocol = .fastAGI
        configuration.waitingThreads = min(8, configuration.maxConnections)
        // Asterisk writes the environment in two dozen lines: gathered, they take half the segments.
        configuration.acknowledgesLate = true
        let server = FastAGIServer(state: state, limit: configuration.exchangeLimit, onEvent: onEvent)
        try self.init(configuration, server: server, onEvent: onEvent)
    }
}

/// Runs one exchange on each connection and ends it in time, since Asterisk would wait for ever.
final class FastAGIServer: ConnectionServer {
    let endsBySelf = true
    private let state: GuardState
    private let limit: Duration
    private let onEvent: (@Sendable (ListenerEvent) -> Void)?
    private let health = Mutex(Health())

    init(state: GuardState, limit: Duration, onEvent: (@Sendable (ListenerEvent) -> Void)?) {
        (self.state, self.limit, self.onEvent) = (state, limit, onEvent)
    }

    func serve(_ connection: Connection) -> Connection.End {
        let tally = connection.tally
        var exchange = Exchange(nonce: Nonce.make(), facts: .few)
        let ending = run(&exchange, connection)
        switch ending {
        case .answered: tally.requests.increment()
        case .hungUp, .closedEarly, .timedOut, .odd, .tooLong: tally.count(ending.rawValue)
        }
        note(ending)
        countForgery(exchange, tally)
        return .peerClosed
    }

    /// Lines that only came after the decision are evidence for the next one.
    private func countForgery(_ exchange: Exchange, _ tally: Tally) {
        guard var request = exchange.request, request.isForged || exchange.forgedLines > 0 else { return }
        tally.count("injections")
        tally.count("forged_lines", UInt64(exchange.forgedLines))
        if !request.isForged {
            request.isForged = true
            _ = decide(request)
        }
    }

    /// Asterisk goes on at once.
    func turnAway(_ socket: Socket) {}

    private func run(_ exchange: inout Exchange, _ connection: Connection) -> Exchange.Ending {
        let socket = connection.socket
        let deadlines = Deadlines(begun: .now, limit: limit)
        var deadline = deadlines.first
        // Up to 1024 bytes the runtime need not look for the stack's bounds.
        return withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { space in
            while true {
                guard let received = socket.receiveWhatCame(into: space) else {
                    guard socket.wait(for: Int16(POLLIN), until: deadline) else { return exchange.timedOut() }
                    continue
                }
                guard case .bytes(let count) = received else { return exchange.closed() }
                connection.tally.bytesReceived.increment(by: UInt64(count))
                var action = exchange.received(UnsafeRawBufferPointer(rebasing: space[..<count]))
                if case .decide(let request) = action {
                    action = exchange.decided(decide(request))
                }
                switch action {
                // An answer acknowledges by itself.
                case .receive, .decide: socket.acknowledge()
                case .end(let ending): return ending
                case .send(let bytes):
                    guard send(bytes, connection, until: deadline) else { return exchange.timedOut() }
                    deadline = deadlines.next(after: .now)
                case .sendLast(let bytes):
                    guard send(bytes, connection, until: deadline) else { return exchange.timedOut() }
                    socket.finishSending()
                    deadline = deadlines.next(after: .now)
                case .sendUntilClosed(let bytes):
                    guard send(bytes, connection, until: deadline) else { return exchange.timedOut() }
                    socket.finishSending()
                    socket.waitForClosing(until: deadlines.next(after: .now))
                    return readToTheEnd(&exchange, connection, space)
                }
                if deadlines.hasPassed(at: .now) { return exchange.timedOut() }
            }
        }
    }

    /// Takes what has come, for the sake of what is forged in it, and waits for no more.
    private func readToTheEnd(
        _ exchange: inout Exchange, _ connection: Connection, _ space: UnsafeMutableRawBufferPointer
    ) -> Exchange.Ending {
        while true {
            switch connection.socket.receiveWhatCame(into: space) {
            case nil: return exchange.timedOut()
            case .closed: return exchange.closed()
            case .bytes(let count):
                connection.tally.bytesReceived.increment(by: UInt64(count))
                let action = exchange.received(UnsafeRawBufferPointer(rebasing: space[..<count]))
                if case .end(let ending) = action { return ending }
            }
        }
    }

    private func send(_ bytes: [UInt8], _ connection: Connection, until deadline: ContinuousClock.Instant) -> Bool {
        let left = ContinuousClock.now.duration(to: deadline)
        let sent = bytes.withUnsafeBytes { connection.socket.send($0, timeout: max(left, .zero)) }
        connection.tally.bytesSent.increment(by: UInt64(bytes.count))
        return sent == .all
    }

    private func decide(_ request: CalledRequest) -> ChannelVariables {
        let decider = Decider(state, once: true)
        return ChannelVariables(request.withFacts { decider.check($0) })
    }

    private func note(_ ending: Exchange.Ending) {
        switch health.withLock({ $0.note(ending) }) {
        case .none: break
        case .failing(let ending): onEvent?(.exchangesFailing(ending.rawValue))
        case .recovered: onEvent?(.exchangesRecovered)
        }
    }
}

extension ChannelVariables {
    init(_ decision: Decision) {
        var code: Int?
        if case .reject(let status, _) = decision.answer { code = status }
        self.init(verdict: decision.answer.verdict, code: code, rule: decision.rule, decision: decision.id)
    }
}

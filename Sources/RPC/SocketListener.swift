import CPlatform
import Glibc
import JSON
import Synchronization

/// Serves an `RPCService`, or another protocol, on one Unix or TCP socket, with one blocking thread for each connection.
///
/// Two system calls a request and the kernel as the scheduler: for clients that ask one question at a time and wait
/// for the answer this is faster than any event loop. None of it runs on Swift's cooperative threads.
public final class SocketListener: Sendable {
    public let configuration: ListenerConfiguration
    let server: any ConnectionServer
    let onEvent: (@Sendable (ListenerEvent) -> Void)?
    let socket: ListeningSocket
    /// Wakes the accepting threads for good.
    let wakeUp: WakeUp
    /// Wakes `stop()`.
    private let progress: WakeUp
    private let connections = Mutex(Connections())
    /// How many threads wait for a connection.
    let waiting = Atomic(0)
    /// Whether accept(2) failed when it was last tried.
    let isFailing = Atomic(false)

    /// Binds the socket and listens; nobody is served before `start`.
    public convenience init(
        _ configuration: ListenerConfiguration, service: any RPCService,
        onEvent: (@Sendable (ListenerEvent) -> Void)? = nil
    ) throws(ListenerError) {
        try self.init(configuration, server: RPCConnectionServer(service: service), onEvent: onEvent)
    }

    /// The same for connections that speak something else.
    package init(
        _ configuration: ListenerConfiguration, server: any ConnectionServer,
        onEvent: (@Sendable (ListenerEvent) -> Void)? = nil
    ) throws(ListenerError) {
        if case .tcp = configuration.endpoint, configuration.role == .admin { throw .adminOverTCP }
        guard let wakeUp = WakeUp(), let progress = WakeUp() else {
            throw .system(call: "eventfd", endpoint: configuration.name, errno: errno)
        }
        self.wakeUp = wakeUp
        self.progress = progress
        self.configuration = configuration
        self.server = server
        self.onEvent = onEvent
        socket = try ListeningSocket.open(configuration.endpoint)
        // Connections inherit it.
        if configuration.acknowledgesLate { setOption(socket.descriptor, level: Int32(IPPROTO_TCP), TCP_QUICKACK, 0) }
    }

    /// The TCP port that is listened on; nil for a Unix socket.
    public var port: UInt16? {
        SocketAddress { getsockname(socket.descriptor, $0, $1) }?.hostAndPort?.port
    }

    /// Begins to take connections. Only the first call does anything.
    public func start() throws(ListenerError) {
        let threads = 1 + configuration.waitingThreads
        guard connections.withLock({ $0.beginAccepting(threads: threads) }) else { return }
        for started in 0..<threads {
            let (call, code) = startAccepting()
            guard code != 0 else { continue }
            endAccepting(threads: threads - started)
            // Fewer do as well.
            if started > 0 { return }
            throw .system(call: call, endpoint: configuration.name, errno: code)
        }
    }

    /// What was called last, and its errno or 0.
    private func startAccepting() -> (call: String, errno: Int32) {
        let watch = platform_watch(socket.descriptor, wakeUp.descriptor)
        guard watch >= 0 else { return ("epoll_create", errno) }
        let code = startThread(named: "accept-\(configuration.name)") { [self] in
            acceptConnections(watch)
            endAccepting(threads: 1)
        }
        if code != 0 { close(watch) }
        return ("pthread_create", code)
    }

    private func endAccepting(threads: Int) {
        if connections.withLock({ $0.endAccepting(threads: threads) }) { socket.close() }
        progress.signal()
    }

    /// Takes no more connections, lets each open one answer what it has received, and closes it.
    ///
    /// May be called from any thread, and more than once; returns when all is done. Whoever is still not finished
    /// after the drain limit is cut off.
    ///
    /// - Returns: the number of connections whose thread did not even end then (it hangs in a call).
    @discardableResult
    public func stop() -> Int {
        socket.unlinkFile()
        let wasAccepting = connections.withLock { $0.beginDraining(cutting: !server.endsBySelf) }
        wakeUp.signal()
        if wasAccepting { socket.refuse() } else { socket.close() }
        if wait(until: .now + configuration.drainLimit) { return 0 }
        connections.withLock { $0.shutDownAll(Int32(SHUT_RDWR)) }
        _ = wait(until: .now + .seconds(1))
        return connections.withLock { $0.open.count }
    }

    /// A consistent enough copy of the counters.
    public var counters: ListenerCounters { connections.withLock { $0.counters } }

    private func wait(until deadline: ContinuousClock.Instant) -> Bool {
        while !connections.withLock({ $0.isIdle }) {
            guard ContinuousClock.now < deadline else { return false }
            // In steps: of two that wait one takes the signal.
            progress.wait(until: min(deadline, .now + .milliseconds(100)))
        }
        return true
    }
}

extension SocketListener {
    /// Serves a descriptor that was just accepted, or turns it away.
    func take(_ descriptor: Int32) {
        let connection = Connection(
            socket: Socket(descriptor: descriptor), caller: caller(on: descriptor), configuration: configuration)
        switch connections.withLock({ $0.add(connection, limit: configuration.maxConnections) }) {
        case .added(let hasRoomAgain):
            if hasRoomAgain { onEvent?(.roomAgain) }
            // Somebody else is there to take the next one: no other thread is faster than this one.
            if waiting.load(ordering: .relaxed) > 0 { serve(connection) } else { serveElsewhere(connection) }
        case .full(let isFirst):
            if isFirst { onEvent?(.full(connections: configuration.maxConnections)) }
            turnAway(descriptor)
        case .draining:
            close(descriptor)
        }
    }

    func countAcceptFailure() { connections.withLock { $0.countAcceptFailure() } }

    private func serve(_ connection: Connection) {
        let end = server.serve(connection)
        remove(connection)
        if case .slowPeer = end { onEvent?(.slowPeer(connection.caller.peer)) }
    }

    private func serveElsewhere(_ connection: Connection) {
        let code = startThread(named: "\(configuration.wireProtocol.name)-\(configuration.name)") { [self] in
            serve(connection)
        }
        if code != 0 {
            onEvent?(.threadFailed(errno: code))
            remove(connection)
        }
    }

    private func remove(_ connection: Connection) {
        if connections.withLock({ $0.remove(connection) }) { progress.signal() }
    }

    private func turnAway(_ descriptor: Int32) {
        server.turnAway(Socket(descriptor: descriptor))
        close(descriptor)
    }

    private func caller(on descriptor: Int32) -> Caller {
        Caller(listener: configuration.name, role: configuration.role, peer: peer(on: descriptor))
    }

    private func peer(on descriptor: Int32) -> Caller.Peer {
        if case .unix = configuration.endpoint {
            var (uid, gid, pid): (uid_t, gid_t, pid_t) = (0, 0, 0)
            guard platform_peer(descriptor, &uid, &gid, &pid) == 0 else { return .unknown }
            return .process(uid: uid, gid: gid, pid: pid)
        }
        // Others do not say who asked.
        guard configuration.wireProtocol == .jsonRPC else { return .unknown }
        guard let peer = SocketAddress(filledBy: { getpeername(descriptor, $0, $1) })?.hostAndPort else {
            return .unknown
        }
        return .address(peer.host, port: peer.port)
    }
}

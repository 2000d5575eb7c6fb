import Glibc

/// What a listener's connections speak. Others than JSON-RPC are named where they are implemented.
public struct WireProtocol: Hashable, Sendable {
    public let name: String

    public init(name: String) { self.name = name }

    public static let jsonRPC = WireProtocol(name: "jsonrpc")
}

/// How one listener is to be opened.
public struct ListenerConfiguration: Sendable, Equatable {
    /// Where it listens.
    public enum Endpoint: Sendable, Equatable {
        case unix(UnixSocket)
        case tcp(TCPEndpoint)
    }

    /// A socket in the file system.
    public struct UnixSocket: Sendable, Equatable {
        public var path: String
        public var mode: mode_t
        /// A user's name or number; nil leaves what the process is.
        public var owner: String?
        /// A group's name or number; nil leaves what the process is.
        public var group: String?

        public init(path: String, mode: mode_t = 0o660, owner: String? = nil, group: String? = nil) {
            self.path = path
            self.mode = mode
            self.owner = owner
            self.group = group
        }
    }

    /// An address of this machine.
    public struct TCPEndpoint: Sendable, Equatable {
        /// A numeric address, or `localhost`.
        public var host: String
        /// 0 lets the system choose.
        public var port: UInt16
        /// Anyone who reaches the port may call: there are no passwords.
        public var allowNonLoopback: Bool

        public init(host: String, port: UInt16, allowNonLoopback: Bool = false) {
            self.host = host
            self.port = port
            self.allowNonLoopback = allowNonLoopback
        }
    }

    /// What callers, counters and logs call it.
    public var name: String
    public var endpoint: Endpoint
    public var role: Role
    /// What is spoken on its connections.
    public var wireProtocol = WireProtocol.jsonRPC
    /// Open connections, each with a thread of its own.
    public var maxConnections = 256
    /// Threads that take connections and serve them themselves, for connections that are many and short; where all are
    /// at work, and with 0, each connection has a thread made for it.
    package var waitingThreads = 0
    /// Whether the first bytes of a TCP connection are not acknowledged at once. A peer that writes line by line then
    /// gathers its lines into few segments, until `Socket.acknowledge()`.
    package var acknowledgesLate = false
    /// Bytes in one message.
    public var messageLimit = 64 * 1024
    /// Calls in one batch.
    public var batchLimit = Dispatcher.defaultBatchLimit
    /// How long a peer may leave its replies unread.
    public var sendTimeout: Duration = .seconds(5)
    /// How long `stop()` waits for connections to finish what they have received.
    public var drainLimit: Duration = .seconds(2)

    /// How long one exchange of a protocol other than JSON-RPC may take; then the connection is closed.
    public var exchangeLimit: Duration = .milliseconds(200)

    public init(name: String, endpoint: Endpoint, role: Role) {
        self.name = name
        self.endpoint = endpoint
        self.role = role
    }
}

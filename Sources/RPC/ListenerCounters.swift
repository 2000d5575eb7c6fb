/// What a listener has counted since it was opened.
public struct ListenerCounters: Sendable, Equatable {
    /// Connections taken.
    public var accepted: UInt64 = 0
    /// Connections that are open now.
    public var open: UInt64 = 0
    /// Connections turned away because there were too many.
    public var refused: UInt64 = 0
    /// Failures of accept(2), such as no descriptors left.
    public var acceptFailures: UInt64 = 0
    /// Calls that were answered, with a result or with an error.
    public var requests: UInt64 = 0
    public var notifications: UInt64 = 0
    /// How often each error code was given, those of notifications included.
    public var errors: [Int: UInt64] = [:]
    /// Connections closed because the peer did not read its replies.
    public var slowPeers: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0

    /// What else the listener's protocol counts, by name; empty for JSON-RPC.
    public var incidents: [String: UInt64] = [:]

    public init() {}
}

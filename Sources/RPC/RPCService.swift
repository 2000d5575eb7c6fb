public import JSON

/// The methods that a daemon offers, shared by all connections.
public protocol RPCService: Sendable {
    /// The role that a method needs; nil if there is no such method.
    func role(of method: MethodName) -> Role?

    /// Called once for each connection, on the thread that serves it.
    func session(for caller: Caller) -> any RPCSession
}

/// The methods as one connection sees them.
///
/// Used by the connection's thread only, so what is kept here (snapshots, scratch space) needs no lock. It is never
/// told of the connection's end; it is released.
public protocol RPCSession: AnyObject {
    /// Serves one call that exists and that the role allows: writes one JSON value into `result`, or throws.
    ///
    /// `method` and `params` are lent for the call. What was written before an error is discarded. Nothing written
    /// stands for null.
    func call(_ method: MethodName, params: JSONView?, result: inout JSONWriter) throws(RPCError)

    /// May answer a whole message before it is parsed: true if it did.
    ///
    /// It then has written the complete response object, or nothing for a notification. On false whatever was
    /// written is discarded and the message takes the ordinary way.
    func fastPath(line: UnsafeRawBufferPointer, reply: inout JSONWriter) -> Bool

    /// The caller sends many requests at once, and the thread lets others go first.
    func isGivingWay()
}

extension RPCSession {
    public func isGivingWay() {}

    public func fastPath(line: UnsafeRawBufferPointer, reply: inout JSONWriter) -> Bool { false }
}

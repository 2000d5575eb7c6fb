import Glibc
public import JSON

/// A blocking client with one call in flight, for command lines and tests.
///
/// After an error that is no answer of the daemon the connection is of no more use, so that a late reply is never taken
/// for the next one's.
public final class RPCClient {
    /// Where the daemon listens.
    public enum Server: Sendable, Equatable {
        case unix(path: String)
        case tcp(host: String, port: UInt16)
    }

    private let socket: Socket
    private let timeout: Duration
    private var decoder: FrameDecoder
    private var buffer: ReceiveBuffer
    private var writer = JSONWriter()
    private var lastID: Int64 = 0
    private var isBroken = false

    /// Connects.
    ///
    /// - Parameters:
    ///   - timeout: for connecting, and for each call.
    ///   - messageLimit: bytes in one reply; lists can be long.
    public init(
        connectingTo server: Server, timeout: Duration = .seconds(5), messageLimit: Int = 64 << 20
    ) throws(RPCClientError) {
        socket = try Socket(connectingTo: server, timeout: timeout)
        self.timeout = timeout
        decoder = FrameDecoder(limit: messageLimit, framing: .newline)
        buffer = ReceiveBuffer(limit: FrameDecoder.bufferLimit(forMessagesOf: messageLimit))
    }

    deinit { close(socket.descriptor) }

    /// Calls a method and waits for its result.
    public func call(_ method: String, params: JSONValue? = nil) throws(RPCClientError) -> JSONValue {
        lastID += 1
        let deadline = ContinuousClock.now + timeout
        try send(method, params, id: lastID)
        while true {
            let reply = try receive(until: deadline)
            if let result = try result(of: reply) { return result }
        }
    }

    /// Says something that is not answered.
    public func notify(_ method: String, params: JSONValue? = nil) throws(RPCClientError) {
        try send(method, params, id: nil)
    }

    private func send(_ method: String, _ params: JSONValue?, id: Int64?) throws(RPCClientError) {
        guard !isBroken else { throw .closed }
        writer.removeAll()
        writer.request(method: method, params: params, id: id)
        Framing.newline.close(messageAt: 0, in: &writer)
        switch socket.send(writer.bytes, timeout: timeout) {
        case .all: return
        case .timedOut: throw broken(.timedOut)
        // The daemon may have said why before it closed: receiving will tell.
        case .closed: if id == nil { throw broken(.closed) }
        }
    }

    private func receive(until deadline: ContinuousClock.Instant) throws(RPCClientError) -> JSONValue {
        while true {
            switch decoder.next(in: buffer.bytes) {
            case .message(let range):
                let reply = parse(UnsafeRawBufferPointer(rebasing: buffer.bytes[range]))
                buffer.dropFirst(decoder.reclaim())
                guard let reply else { throw broken(.garbage("not JSON")) }
                return reply
            case .refuse: throw broken(.garbage("the reply is too large"))
            case .needMore: try receiveMore(until: deadline)
            }
        }
    }

    private func receiveMore(until deadline: ContinuousClock.Instant) throws(RPCClientError) {
        buffer.dropFirst(decoder.reclaim())
        guard socket.isReadable(before: deadline) else { throw broken(.timedOut) }
        guard case .bytes(let count) = socket.receive(into: buffer.space()) else { throw broken(.closed) }
        buffer.append(count)
    }

    private func parse(_ text: UnsafeRawBufferPointer) -> JSONValue? { try? JSONValue(parsing: text) }

    /// Nil for a reply that is not to this call.
    private func result(of reply: JSONValue) throws(RPCClientError) -> JSONValue? {
        guard reply["jsonrpc"] == "2.0", let id = reply["id"] else { throw broken(.garbage("not a response")) }
        if let error = reply["error"], id == .int(lastID) || id.isNull {
            guard let error = RPCError(error) else { throw broken(.garbage("not an error object")) }
            throw .rpc(error)
        }
        guard id == .int(lastID) else { return nil }
        guard let result = reply["result"] else { throw broken(.garbage("neither result nor error")) }
        return result
    }

    private func broken(_ error: RPCClientError) -> RPCClientError {
        isBroken = true
        return error
    }
}

extension JSONWriter {
    fileprivate mutating func request(method: String, params: JSONValue?, id: Int64?) {
        beginObject()
        member("jsonrpc", "2.0" as StaticString)
        if let id { member("id", id) }
        member("method", method)
        if let params { member("params", params) }
        endObject()
    }
}

extension RPCError {
    /// Reads an error object; nil if it is none.
    init?(_ value: JSONValue) {
        guard let code = value["code"]?.int64, let message = value["message"]?.string else { return nil }
        self.init(code: Int(code), message: message, data: value["data"])
    }
}

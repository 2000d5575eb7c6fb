import JSON

/// What is done with a listener's connections.
package protocol ConnectionServer: Sendable {
    /// Serves a connection from its first byte to its last, on a thread of its own; does not close it.
    func serve(_ connection: Connection) -> Connection.End
    /// Tells somebody for whom there is no room, without waiting; does not close it.
    func turnAway(_ socket: Socket)
    /// Whether connections end soon without being told, so that draining lets them.
    var endsBySelf: Bool { get }
}

/// JSON-RPC 2.0 on a listener's connections.
struct RPCConnectionServer: ConnectionServer {
    let service: any RPCService
    let endsBySelf = false

    func serve(_ connection: Connection) -> Connection.End { connection.serve(service) }

    /// The framing cannot be known yet, so it is a line; nobody waits for a peer that does not take it.
    func turnAway(_ socket: Socket) {
        var reply = JSONWriter()
        reply.response(error: RPCError(.tooManyConnections), id: nil)
        Framing.newline.close(messageAt: 0, in: &reply)
        _ = socket.send(reply.bytes, timeout: .zero)
        socket.linger(until: .now)
    }
}

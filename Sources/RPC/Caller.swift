import Glibc

/// Who is at the other end of a connection.
public struct Caller: Sendable, Equatable {
    /// Where the connection comes from.
    public enum Peer: Sendable, Equatable {
        /// A process of this machine, as the kernel names it (SO_PEERCRED).
        case process(uid: uid_t, gid: gid_t, pid: pid_t)
        /// A TCP peer: its address as text, without a zone, and its port.
        case address(String, port: UInt16)
        case unknown
    }

    /// The name of the listener that took the connection.
    public let listener: String
    public let role: Role
    public let peer: Peer

    public init(listener: String, role: Role, peer: Peer = .unknown) {
        self.listener = listener
        self.role = role
        self.peer = peer
    }
}

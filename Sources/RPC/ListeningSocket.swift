import CPlatform
import Glibc
import Synchronization

/// A bound and listening socket; closed when it is released, if not before.
final class ListeningSocket: Sendable {
    private let open: Mutex<Int32?>
    /// The socket's file, by which it is known that the file at the path is still ours.
    private let file: (path: String, identity: FileIdentity)?
    let address: SocketAddress

    fileprivate init(descriptor: Int32, address: SocketAddress, file: (path: String, identity: FileIdentity)?) {
        open = Mutex(descriptor)
        self.address = address
        self.file = file
    }

    deinit { close() }

    /// -1 once it is closed.
    var descriptor: Int32 { open.withLock { $0 ?? -1 } }

    /// Takes no more connections, whoever waits on the descriptor.
    func refuse() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Gives the descriptor back. Only for when nobody waits on the descriptor any more.
    func close() {
        unlinkFile()
        open.withLock {
            if let descriptor = $0 { Glibc.close(descriptor) }
            $0 = nil
        }
    }

    /// Removes the socket's file, unless another has taken its place.
    func unlinkFile() {
        guard let file, descriptor >= 0, FileIdentity(path: file.path) == file.identity else { return }
        unlink(file.path)
    }

    static func open(_ endpoint: ListenerConfiguration.Endpoint) throws(ListenerError) -> ListeningSocket {
        switch endpoint {
        case .unix(let unix): try openUnix(unix)
        case .tcp(let tcp): try openTCP(tcp)
        }
    }
}

/// A file apart from its name.
struct FileIdentity: Equatable {
    let device: dev_t
    let inode: ino_t
    let mode: mode_t

    /// Of what stands at the path, links not followed; nil if there is nothing.
    init?(path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
        mode = status.st_mode & S_IFMT
    }

    var isSocket: Bool { mode == S_IFSOCK }
}

extension ListeningSocket {
    private static let backlog: Int32 = 512

    private static func openUnix(_ unix: ListenerConfiguration.UnixSocket) throws(ListenerError) -> ListeningSocket {
        guard let address = SocketAddress(path: unix.path) else {
            throw .pathTooLong(path: unix.path, limit: SocketAddress.pathLimit)
        }
        let ownership = try Ownership(owner: unix.owner, group: unix.group)
        try removeStaleSocket(at: unix.path, address)
        let descriptor = try newSocket(family: AF_UNIX, endpoint: unix.path)
        let identity = try bindPrivately(descriptor, address, unix.path)
        let socket = ListeningSocket(descriptor: descriptor, address: address, file: (unix.path, identity))
        try socket.hand(to: ownership, mode: unix.mode, path: unix.path)
        return socket
    }

    /// Nobody but ourselves may connect before owner and mode are as they should be.
    private static func bindPrivately(
        _ descriptor: Int32, _ address: SocketAddress, _ path: String
    ) throws(ListenerError) -> FileIdentity {
        let before = umask(0o177)
        let code = address.withPointer { bind(descriptor, $0, $1) }
        let error = errno
        umask(before)
        if code == 0, let identity = FileIdentity(path: path) { return identity }
        Glibc.close(descriptor)
        throw error == EADDRINUSE ? .inUse(endpoint: path) : .system(call: "bind", endpoint: path, errno: error)
    }

    private func hand(to ownership: Ownership, mode: mode_t, path: String) throws(ListenerError) {
        if ownership.isChange, lchown(path, ownership.uid, ownership.gid) != 0 { throw failed("chown", path) }
        guard chmod(path, mode) == 0 else { throw failed("chmod", path) }
        guard listen(descriptor, ListeningSocket.backlog) == 0 else { throw failed("listen", path) }
    }

    /// A socket that nobody listens on is what a daemon that was killed leaves behind.
    private static func removeStaleSocket(at path: String, _ address: SocketAddress) throws(ListenerError) {
        guard let found = FileIdentity(path: path) else { return }
        guard found.isSocket else { throw .notASocket(path: path) }
        let probe = try newSocket(family: AF_UNIX, endpoint: path)
        defer { Glibc.close(probe) }
        if address.withPointer({ connect(probe, $0, $1) }) == 0 { throw .inUse(endpoint: path) }
        switch errno {
        case ECONNREFUSED:
            guard unlink(path) == 0 || errno == ENOENT else { throw failed("unlink", path) }
        case ENOENT: return
        // A full backlog or another kind of socket: somebody is there.
        case EAGAIN, EPROTOTYPE, EINPROGRESS: throw .inUse(endpoint: path)
        default: throw failed("connect", path)
        }
    }

    private static func openTCP(_ tcp: ListenerConfiguration.TCPEndpoint) throws(ListenerError) -> ListeningSocket {
        let endpoint = tcp.host.contains(":") ? "[\(tcp.host)]:\(tcp.port)" : "\(tcp.host):\(tcp.port)"
        let address = try tcp.address()
        let descriptor = try newSocket(family: address.family, endpoint: endpoint)
        let socket = ListeningSocket(descriptor: descriptor, address: address, file: nil)
        setOption(descriptor, level: SOL_SOCKET, SO_REUSEADDR)
        // Connections inherit it.
        setOption(descriptor, level: Int32(IPPROTO_TCP), TCP_NODELAY)
        guard address.withPointer({ bind(descriptor, $0, $1) }) == 0 else {
            throw errno == EADDRINUSE ? .inUse(endpoint: endpoint) : failed("bind", endpoint)
        }
        guard listen(descriptor, backlog) == 0 else { throw failed("listen", endpoint) }
        return socket
    }

    /// Non-blocking, since a connection may vanish between poll(2) and accept(2).
    private static func newSocket(family: Int32, endpoint: String) throws(ListenerError) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { throw failed("socket", endpoint) }
        return descriptor
    }
}

private func failed(_ call: String, _ endpoint: String) -> ListenerError {
    .system(call: call, endpoint: endpoint, errno: errno)
}

/// Switches a socket option on, unless another value is given.
func setOption(_ descriptor: Int32, level: Int32, _ option: Int32, _ value: Int32 = 1) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
}

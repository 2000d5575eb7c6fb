import Glibc
import JSON
import RPC
import Testing

/// A raw client: bytes out, bytes in, nothing interpreted. Every wait is bounded.
final class Peer {
    let descriptor: Int32

    /// Connects to a Unix path.
    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        try connect(&address, MemoryLayout<sockaddr_un>.size)
    }

    /// Connects to a port on IPv4 loopback.
    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        try connect(&address, MemoryLayout<sockaddr_in>.size)
    }

    deinit { close(descriptor) }

    private func connect(_ address: UnsafeRawPointer, _ size: Int) throws {
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        let code = Glibc.connect(descriptor, address.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
        try #require(code == 0, "connect: errno \(errno)")
    }

    /// Sends all; false if the other side has closed.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The next bytes; empty when the other side has closed.
    func receive() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(count, 0)))
    }

    /// So many lines, or fewer if the other side closes before.
    func lines(_ count: Int) -> [String] {
        var bytes: [UInt8] = []
        var seen = 0
        while seen < count {
            let more = receive()
            guard !more.isEmpty else { break }
            bytes += more
            seen += more.count { $0 == 0x0A }
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Everything until the other side closes.
    func rest() -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let more = receive()
            guard !more.isEmpty else { return bytes }
            bytes += more
        }
    }
}

/// A folder that is removed with what is in it.
final class Folder {
    let path: String

    init() throws {
        var template = Array("/tmp/rpc-tests-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    deinit {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                unlink(
                    path + "/"
                        + withUnsafePointer(to: entry.pointee.d_name) {
                            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                        })
            }
            closedir(directory)
        }
        rmdir(path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// A running listener on a socket of its own; stopped when it is released.
final class RunningListener {
    private let folder: Folder
    let service = TestService()
    let listener: SocketListener
    let path: String

    init(
        overTCP: Bool = false, role: Role = .ask, events: Events = Events(),
        _ adjust: (inout ListenerConfiguration) -> Void = { _ in }
    ) throws {
        folder = try Folder()
        path = folder.file("rpc.sock")
        let endpoint: ListenerConfiguration.Endpoint =
            overTCP ? .tcp(.init(host: "127.0.0.1", port: 0)) : .unix(.init(path: path))
        var configuration = ListenerConfiguration(name: "test", endpoint: endpoint, role: role)
        adjust(&configuration)
        listener = try SocketListener(configuration, service: service, onEvent: events.add)
        try listener.start()
    }

    deinit { listener.stop() }

    func connect() throws -> Peer {
        if let port = listener.port { try Peer(port: port) } else { try Peer(path: path) }
    }
}

/// Waits, in bounded time, for something that another thread is about to do.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<2000 {
        if condition() { return true }
        poll(nil, 0, 5)
    }
    return false
}

func call(_ method: String, id: Int, _ params: String = "[]") -> String {
    #"{"jsonrpc":"2.0","method":"\#(method)","params":\#(params),"id":\#(id)}"#
}

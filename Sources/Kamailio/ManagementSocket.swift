import Glibc
import JSON

/// Kamailio's JSON-RPC server on a Unix datagram socket (its jsonrpcs module), as one thread asks it.
///
/// It has no connection, so whether somebody answers is known only from the answer; one that comes too late is dropped.
final class ManagementSocket {
    /// Why a call has no result.
    enum Failure: Error, Equatable, CustomStringConvertible {
        case system(call: String, errno: Int32)
        /// Nothing came in time.
        case silent
        case garbage
        /// Kamailio's own error.
        case refused(String)

        var description: String {
            switch self {
            case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
            case .silent: "no answer in time"
            case .garbage: "the answer cannot be read"
            case .refused(let message): "refused: \(message)"
            }
        }
    }

    private let path: String
    private let timeout: Duration
    private var descriptor: Int32 = -1
    private var lastID: Int64 = 0

    init(path: String, timeout: Duration) { (self.path, self.timeout) = (path, timeout) }

    deinit { hangUp() }

    private func hangUp() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// Asks, and waits for the answer; after a failure the next call begins anew.
    @discardableResult
    func call(_ method: String, _ params: [JSONValue]) throws(Failure) -> JSONValue {
        do throws(Failure) {
            if descriptor < 0 { try connect() }
            lastID += 1
            let call: JSONValue = [
                "jsonrpc": "2.0", "id": .int(lastID), "method": .string(method), "params": .array(params),
            ]
            try send(call.text)
            return try answer()
        } catch {
            if case .refused = error { throw error }
            hangUp()
            throw error
        }
    }

    /// A socket with a name that the kernel chooses, for the answers.
    private func connect() throws(Failure) {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(call: "socket", errno: errno) }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        guard Self.with(&name, socklen_t(MemoryLayout<sa_family_t>.size), { bind(descriptor, $0, $1) }) == 0 else {
            throw .system(call: "bind", errno: errno)
        }
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: name.sun_path) else {
            throw .system(call: "connect", errno: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        guard Self.with(&name, socklen_t(MemoryLayout<sockaddr_un>.size), { Glibc.connect(descriptor, $0, $1) }) == 0
        else {
            throw .system(call: "connect", errno: errno)
        }
    }

    private static func with(
        _ name: inout sockaddr_un, _ size: socklen_t, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &name) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) } }
    }

    /// Never waits: a Kamailio that takes nothing is as good as none.
    private func send(_ text: String) throws(Failure) {
        let bytes = Array(text.utf8)
        let sent = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        guard sent == bytes.count else { throw errno == EAGAIN ? .silent : .system(call: "send", errno: errno) }
    }

    private func answer() throws(Failure) -> JSONValue {
        let deadline = ContinuousClock.now + timeout
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
            guard left > 0, poll(&entry, 1, Int32(left.rounded(.up))) > 0 else { throw .silent }
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { throw .system(call: "recv", errno: errno) }
            guard let answer = try? JSONValue(parsing: String(decoding: bytes[..<count], as: UTF8.self)) else {
                throw .garbage
            }
            guard answer["id"]?.int64 == lastID else { continue }
            if let message = answer["error"]?["message"]?.string { throw .refused(message) }
            guard let result = answer["result"] else { throw .garbage }
            return result
        }
    }
}

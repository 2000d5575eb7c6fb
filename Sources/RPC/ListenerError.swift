import Glibc

/// Why a listener cannot be opened.
public enum ListenerError: Error, Equatable, Sendable {
    case pathTooLong(path: String, limit: Int)
    /// Something that is no socket has the path; it is left alone.
    case notASocket(path: String)
    /// Another process answers there.
    case inUse(endpoint: String)
    case unknownOwner(String)
    case unknownGroup(String)
    case badAddress(String)
    case notLoopback(String)
    case adminOverTCP
    /// A system call failed.
    case system(call: String, endpoint: String, errno: Int32)
}

extension ListenerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .pathTooLong(let path, let limit):
            "\(path): a socket's path has at most \(limit) bytes, this one has \(path.utf8.count)"
        case .notASocket(let path): "\(path): is there already and is not a socket; move it away first"
        case .inUse(let endpoint): "\(endpoint): another process is listening there"
        case .unknownOwner(let name): "owner \(name): no such user"
        case .unknownGroup(let name): "group \(name): no such group"
        case .badAddress(let host): "\(host): not a numeric address of this machine"
        case .notLoopback(let host):
            "\(host): not a loopback address, and there are no passwords; allow it explicitly if that is meant"
        case .adminOverTCP: "a TCP listener never carries the role admin; use a Unix socket"
        case .system(let call, let endpoint, let code): "\(endpoint): \(call): \(errorText(code))"
        }
    }
}

/// The system's sentence for an errno.
func errorText(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
        let text = buffer.bindMemory(to: CChar.self)
        guard strerror_r(code, text.baseAddress!, text.count) == 0 else { return "error \(code)" }
        return String(cString: text.baseAddress!)
    }
}

import Glibc

/// Why a call has no result.
public enum RPCClientError: Error, Equatable, Sendable {
    /// There is no socket at the path.
    case noSuchSocket(path: String)
    /// Nobody listens: the daemon is not running.
    case refused(endpoint: String)
    case permissionDenied(endpoint: String)
    case badAddress(String)
    case timedOut
    /// The daemon closed the connection.
    case closed
    /// What came back is no JSON-RPC response.
    case garbage(String)
    /// The daemon answered with an error.
    case rpc(RPCError)
    case system(call: String, endpoint: String, errno: Int32)

    init(connecting endpoint: String, errno code: Int32) {
        switch code {
        case ENOENT, ENOTDIR: self = .noSuchSocket(path: endpoint)
        case ECONNREFUSED: self = .refused(endpoint: endpoint)
        case EACCES, EPERM: self = .permissionDenied(endpoint: endpoint)
        case EAGAIN, EINPROGRESS, ETIMEDOUT: self = .timedOut
        default: self = .system(call: "connect", endpoint: endpoint, errno: code)
        }
    }
}

extension RPCClientError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noSuchSocket(let path): "\(path): no such socket; is sipguardd running, and is this its path?"
        case .refused(let endpoint): "\(endpoint): connection refused; sipguardd is not running"
        case .permissionDenied(let endpoint): "\(endpoint): permission denied"
        case .badAddress(let host): "\(host): no such address"
        case .timedOut: "no answer in time"
        case .closed: "the connection was closed before an answer came"
        case .garbage(let problem): "the answer makes no sense: \(problem)"
        case .rpc(let error): "\(error.message) (\(error.code))"
        case .system(let call, let endpoint, let code): "\(endpoint): \(call): \(errorText(code))"
        }
    }
}

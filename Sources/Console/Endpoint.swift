/// Where the daemon listens, as `--socket` and the daemon's own `--listen` write it.
public enum Endpoint: Equatable, Sendable, CustomStringConvertible {
    case unix(path: String)
    case tcp(host: String, port: UInt16)

    /// `/path`, `unix:/path`, `tcp:127.0.0.1:4571` or `tcp:[::1]:4571`; nil for anything else.
    public init?(_ text: String) {
        if let rest = text.after("tcp:") {
            guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]), port > 0
            else { return nil }
            var host = String(rest[..<colon])
            if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            if host.isEmpty { return nil }
            self = .tcp(host: host, port: port)
        } else {
            let path = text.after("unix:") ?? text
            guard !path.isEmpty, path.utf8.count <= Self.longestPath, !path.utf8.contains(0) else { return nil }
            self = .unix(path: path)
        }
    }

    /// `sun_path` has 108 bytes on Linux, the last of which is NUL (unix(7)).
    private static let longestPath = 107

    public var description: String {
        switch self {
        case .unix(let path): path
        case .tcp(let host, let port): host.contains(":") ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
        }
    }
}

extension String {
    func after(_ prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }
}

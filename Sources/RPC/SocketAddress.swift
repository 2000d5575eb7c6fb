import Glibc

/// A socket address in the form the kernel wants it.
struct SocketAddress {
    private var storage = sockaddr_storage()
    private var length: socklen_t = 0

    var family: Int32 { Int32(storage.ss_family) }

    /// The longest path of a Unix socket: `sun_path` less the NUL at its end.
    static let pathLimit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// A Unix socket's; nil if the path is empty, too long or has a NUL in it.
    init?(path: String) {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count <= SocketAddress.pathLimit, !bytes.contains(0) else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        self.init(copying: &address, length: socklen_t(MemoryLayout<sockaddr_un>.size))
    }

    init(copying address: UnsafeRawPointer, length: socklen_t) {
        self.length = length
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: min(Int(length), $0.count)))
        }
    }

    /// What a call such as getsockname(2) fills in; nil if it fails.
    init?(filledBy call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) {
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &size) }
        }
        guard code == 0 else { return nil }
        length = size
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// The numeric address and the port of an Internet address.
    var hostAndPort: (host: String, port: UInt16)? {
        guard family == AF_INET || family == AF_INET6 else { return nil }
        var host = [CChar](repeating: 0, count: 64)
        var port = [CChar](repeating: 0, count: 16)
        let code = withPointer {
            getnameinfo(
                $0, $1, &host, socklen_t(host.count), &port, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV)
        }
        guard code == 0, let number = UInt16(text(port)) else { return nil }
        return (text(host), number)
    }

    var isLoopback: Bool {
        guard let host = hostAndPort?.host else { return false }
        return host == "::1" || (family == AF_INET && host.hasPrefix("127."))
    }

    private func text(_ characters: [CChar]) -> String {
        String(
            decoding: characters.prefix { $0 != 0 && $0 != CChar(bitPattern: UInt8(ascii: "%")) }.map(UInt8.init),
            as: UTF8.self)
    }
}

extension SocketAddress {
    /// The addresses of a host, in the system's order; empty if there are none.
    ///
    /// - Parameter mayAsk: whether a name may be looked up; otherwise only numbers count.
    static func resolve(host: String, port: UInt16, mayAsk: Bool) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | (mayAsk ? 0 : AI_NUMERICHOST)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        return sequence(first: list, next: { $0?.pointee.ai_next }).prefix { $0 != nil }.compactMap { entry in
            guard let entry, let address = entry.pointee.ai_addr else { return nil }
            return SocketAddress(copying: address, length: entry.pointee.ai_addrlen)
        }
    }
}

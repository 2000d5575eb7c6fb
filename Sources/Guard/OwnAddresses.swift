import Glibc
import Policy

/// The addresses that this machine answers to.
public enum OwnAddresses {
    /// Those of all its interfaces, and loopback as a whole: no packet from elsewhere comes from there
    /// (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).
    public static func find() -> [Prefix] {
        var found: Set<Prefix> = [Prefix(IPAddress(v4: 0x7F00_0000), length: 8)!, Prefix(IPAddress(value: 1))]
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return Array(found) }
        defer { freeifaddrs(list) }
        var next = list
        while let interface = next {
            if let address = interface.pointee.ifa_addr.flatMap(address) { found.insert(Prefix(address)) }
            next = interface.pointee.ifa_next
        }
        return found.filter { prefix in !found.contains { $0 != prefix && $0.contains(prefix.first) } }
            .sorted { $0.first < $1.first }
    }

    /// The address in a socket address; nil if it is of another family.
    public static func address(_ socket: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
        let raw = UnsafeRawPointer(socket)
        switch Int32(socket.pointee.sa_family) {
        case AF_INET:
            return IPAddress(v4: UInt32(bigEndian: raw.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr))
        case AF_INET6:
            let bytes = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            return IPAddress(
                value: UInt128(bigEndian: withUnsafeBytes(of: bytes) { $0.loadUnaligned(as: UInt128.self) }))
        default: return nil
        }
    }
}

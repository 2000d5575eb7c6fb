import Policy

/// The servers of a capture: only what comes to them is decided about.
public struct Servers: Equatable, Sendable {
    /// An address or a network, all ports or one.
    public struct Entry: Hashable, Sendable {
        let prefix: Prefix
        let port: UInt16?

        init(prefix: Prefix, port: UInt16? = nil) { (self.prefix, self.port) = (prefix, port) }

        /// Reads `192.0.2.1`, `192.0.2.0/24`, `192.0.2.1:5060` or `[2001:db8::1]:5060`; nil if it is none of them.
        public init?(_ text: String) {
            if let prefix = Prefix(text) {
                self.init(prefix: prefix)
                return
            }
            guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
                let address = IPAddress(text[..<colon])
            else { return nil }
            self.init(prefix: Prefix(address), port: port)
        }
    }

    public let entries: [Entry]

    public init(_ entries: [Entry]) { self.entries = entries }

    func contains(_ endpoint: Endpoint) -> Bool {
        entries.contains { $0.prefix.contains(endpoint.address) && ($0.port == nil || $0.port == endpoint.port) }
    }

    /// Addresses that are nobody else's; where a port was needed to tell the server, its address is shared.
    public var own: [Prefix] { entries.filter { $0.port == nil }.map(\.prefix) }

    /// As people write them.
    public var names: [String] {
        entries.map { entry in
            guard let port = entry.port else { return "\(entry.prefix)" }
            let address = entry.prefix.first
            return address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        }
    }
}

/// Finds the server of a capture: the address that most requests go to.
struct ServerFinder {
    /// Different destinations that are counted; a sweep over many networks has one of each.
    private static let most = 65_536
    private var requests: [Endpoint: Int] = [:]
    /// Addresses that ask themselves, as on the loopback.
    private var selfAsking: Set<IPAddress> = []

    mutating func take(_ message: CapturedMessage) {
        guard !message.isResponse, requests[message.to] != nil || requests.count < Self.most else { return }
        requests[message.to, default: 0] += 1
        if message.from.address == message.to.address { selfAsking.insert(message.to.address) }
    }

    /// nil where there was no request.
    var servers: Servers? {
        var byAddress: [IPAddress: Int] = [:]
        for (endpoint, count) in requests { byAddress[endpoint.address, default: 0] += count }
        guard let address = Self.busiest(byAddress) else { return nil }
        guard selfAsking.contains(address) else { return Servers([.init(prefix: Prefix(address))]) }
        let ports = requests.filter { $0.key.address == address }
        return Self.busiest(ports).map { Servers([.init(prefix: Prefix($0.address), port: $0.port)]) }
    }

    private static func busiest<Key: Comparable>(_ counts: [Key: Int]) -> Key? {
        counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }
}

extension CapturedMessage {
    var isResponse: Bool { bytes.starts(with: Array("SIP/".utf8)) || bytes.starts(with: Array("sip/".utf8)) }
}

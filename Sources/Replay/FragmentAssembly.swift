import Policy

/// Puts fragments together again, of so many packets at once and no more.
struct FragmentAssembly {
    static let mostPackets = 256
    static let mostFragments = 128
    static let mostBytes = 65_535
    /// RFC 8200 section 4.5.
    static let patience = Duration.seconds(60)

    private struct Key: Hashable {
        let source: IPAddress
        let destination: IPAddress
        let id: UInt32
        let transport: UInt8
    }

    private struct Parts {
        let since: Instant
        var parts: [(offset: Int, bytes: [UInt8])] = []
        var total: Int?
    }

    private var packets: [Key: Parts] = [:]
    /// The keys in the order in which they came, for the oldest to go first.
    private var order: [Key] = []
    /// Packets that were given up.
    private(set) var lost = 0

    var count: Int { packets.count }

    /// The payload of the packet that this fragment makes whole; nil where more is missing.
    mutating func add(_ packet: IPPacket, at now: Instant) -> [UInt8]? {
        guard let fragment = packet.fragment, fragment.offset + packet.payload.count <= Self.mostBytes else {
            return nil
        }
        let key = Key(
            source: packet.source, destination: packet.destination, id: fragment.id, transport: packet.transport)
        if let old = packets[key], now - old.since > Self.patience { remove(key, isLost: true) }
        if packets[key] == nil { begin(key, now) }
        guard packets[key]!.parts.count < Self.mostFragments else { return nil }
        packets[key]!.parts.append((fragment.offset, Array(packet.payload)))
        if !fragment.hasMore { packets[key]!.total = fragment.offset + packet.payload.count }
        guard let whole = Self.whole(packets[key]!) else { return nil }
        remove(key, isLost: false)
        return whole
    }

    private mutating func begin(_ key: Key, _ now: Instant) {
        if packets.count >= Self.mostPackets { remove(order[0], isLost: true) }
        packets[key] = Parts(since: now)
        order.append(key)
    }

    private mutating func remove(_ key: Key, isLost: Bool) {
        packets[key] = nil
        if let index = order.firstIndex(of: key) { order.remove(at: index) }
        if isLost { lost += 1 }
    }

    /// Of bytes that came twice the first count.
    private static func whole(_ packet: Parts) -> [UInt8]? {
        guard let total = packet.total else { return nil }
        var bytes: [UInt8] = []
        for part in packet.parts.sorted(by: { $0.offset < $1.offset })
        where part.offset + part.bytes.count > bytes.count {
            guard part.offset <= bytes.count else { return nil }
            bytes += part.bytes[(bytes.count - part.offset)...]
        }
        return bytes.count >= total ? Array(bytes.prefix(total)) : nil
    }
}

import Policy

/// An IPv4 or IPv6 packet, or a fragment of one.
struct IPPacket {
    struct Fragment: Hashable {
        let id: UInt32
        /// In bytes.
        let offset: Int
        let hasMore: Bool
    }

    let source: IPAddress
    let destination: IPAddress
    /// The protocol above: 6 is TCP, 17 is UDP.
    private(set) var transport: UInt8
    private(set) var payload: Bytes
    private(set) var fragment: Fragment?
    /// What the sender has numbered it by; 0 where he has not (RFC 6864, and IPv6).
    private(set) var number: UInt16 = 0

    /// nil where it is none. A packet that the capture has cut has as much payload as there is.
    init?(_ bytes: Bytes) {
        switch bytes.first.map({ $0 >> 4 }) {
        case 4: self.init(v4: bytes)
        case 6: self.init(v6: bytes)
        default: return nil
        }
    }

    /// RFC 791 section 3.1.
    private init?(v4 bytes: Bytes) {
        guard bytes.count >= 20, let source = bytes.uint32(at: 12), let destination = bytes.uint32(at: 16) else {
            return nil
        }
        let header = Int(bytes[0] & 15) * 4
        // A total length of 0 is what a card that splits segments by itself leaves there.
        let told = Int(bytes.uint16(at: 2) ?? 0)
        let end = min(told == 0 ? bytes.count : told, bytes.count)
        guard header >= 20, end >= header, let flags = bytes.uint16(at: 6) else { return nil }
        (self.source, self.destination) = (IPAddress(v4: source), IPAddress(v4: destination))
        (transport, payload) = (bytes[9], bytes.part(header, end))
        let (offset, hasMore) = (Int(flags & 0x1FFF) * 8, flags & 0x2000 != 0)
        number = bytes.uint16(at: 4) ?? 0
        guard offset > 0 || hasMore else { return }
        fragment = Fragment(id: UInt32(number), offset: offset, hasMore: hasMore)
    }

    /// RFC 8200 sections 3 and 4.
    private init?(v6 bytes: Bytes) {
        guard bytes.count >= 40, let source = Self.address(bytes, 8), let destination = Self.address(bytes, 24) else {
            return nil
        }
        (self.source, self.destination) = (source, destination)
        let told = 40 + Int(bytes.uint16(at: 4) ?? 0)
        (transport, payload) = (bytes[6], bytes.part(40, min(told == 40 ? bytes.count : told, bytes.count)))
        for _ in 0..<8 {
            guard let isExtension = skipExtension() else { return nil }
            if !isExtension { return }
        }
        return nil
    }

    private static func address(_ bytes: Bytes, _ offset: Int) -> IPAddress? {
        var value: UInt128 = 0
        for index in 0..<4 {
            guard let word = bytes.uint32(at: offset + 4 * index) else { return nil }
            value = value << 32 | UInt128(word)
        }
        return IPAddress(value: value)
    }

    /// Whether there was an extension header to skip; nil where it is not whole.
    private mutating func skipExtension() -> Bool? {
        let length: Int
        switch transport {
        case 0, 43, 60:  // hop by hop, routing, destination
            guard payload.count >= 2 else { return nil }
            length = (Int(payload[1]) + 1) * 8
        case 51:  // authentication, RFC 4302 section 2.2
            guard payload.count >= 2 else { return nil }
            length = (Int(payload[1]) + 2) * 4
        case 44:
            guard let word = payload.uint16(at: 2), let id = payload.uint32(at: 4) else { return nil }
            let (offset, hasMore) = (Int(word & 0xFFF8), word & 1 != 0)
            if offset > 0 || hasMore { fragment = Fragment(id: id, offset: offset, hasMore: hasMore) }
            length = 8
        default: return false
        }
        guard payload.count >= length else { return nil }
        (transport, payload) = (payload[0], payload.part(length, payload.count))
        // Of a later fragment the rest is not headers.
        return fragment.map { $0.offset == 0 } ?? true
    }
}

/// An IPv4 or IPv6 address; IPv4 is held as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2), so `::ffff:192.0.2.1` and
/// `192.0.2.1` are one source.
public struct IPAddress: Hashable, Comparable, Sendable {
    public let value: UInt128

    private static var mapped: UInt128 { 0xFFFF << 32 }

    public init(value: UInt128) { self.value = value }

    public init(v4: UInt32) { value = Self.mapped | UInt128(v4) }

    public var isV4: Bool { value >> 32 == 0xFFFF }

    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }

    /// Reads the textual form, also in brackets as SIP writes IPv6; nil if it is not an address.
    public init?(_ text: some StringProtocol) {
        var copy = String(text)
        guard let address = copy.withUTF8({ IPAddress(bytes: $0) }) else { return nil }
        self = address
    }

    /// Reads the textual form from bytes; nil if it is not an address. Allocates nothing.
    public init?(bytes: Bytes) {
        var bytes = bytes
        if bytes.count > 2, bytes[0] == 0x5B, bytes[bytes.count - 1] == 0x5D { bytes = bytes.part(1, bytes.count - 1) }
        if let v4 = Self.parseV4(bytes) {
            self.init(v4: v4)
        } else if let v6 = Self.parseV6(bytes) {
            self.init(value: v6)
        } else {
            return nil
        }
    }

    private static func parseV4(_ bytes: Bytes) -> UInt32? {
        guard bytes.count >= 7, bytes.count <= 15 else { return nil }
        var (value, place): (UInt32, Int) = (0, 0)
        for index in 0..<4 {
            if index > 0 {
                guard place < bytes.count, bytes[place] == 0x2E else { return nil }
                place &+= 1
            }
            guard let octet = octet(in: bytes, at: &place) else { return nil }
            value = value << 8 | octet
        }
        return place == bytes.count ? value : nil
    }

    /// At most three digits; a leading zero is octal to some and decimal to others: refused.
    @inline(__always)
    private static func octet(in bytes: Bytes, at place: inout Int) -> UInt32? {
        guard place < bytes.count, bytes[place].isDigit else { return nil }
        var octet = UInt32(bytes[place] &- 0x30)
        place &+= 1
        guard place < bytes.count, bytes[place].isDigit else { return octet }
        guard octet != 0 else { return nil }
        octet = octet &* 10 &+ UInt32(bytes[place] &- 0x30)
        place &+= 1
        guard place < bytes.count, bytes[place].isDigit else { return octet }
        octet = octet &* 10 &+ UInt32(bytes[place] &- 0x30)
        place &+= 1
        return octet < 256 ? octet : nil
    }

    private static func parseV6(_ bytes: Bytes) -> UInt128? {
        guard bytes.count >= 2, bytes.count <= 45 else { return nil }
        var (head, tail, groups, tailGroups): (UInt128, UInt128, Int, Int) = (0, 0, 0, 0)
        var (index, gap) = (0, false)
        func add(_ group: UInt128) {
            if gap { (tail, tailGroups) = (tail << 16 | group, tailGroups + 1) } else { head = head << 16 | group }
            groups += 1
        }
        if bytes[0] == 0x3A {
            guard bytes[1] == 0x3A else { return nil }
            (index, gap) = (2, true)
        }
        while index < bytes.count {
            guard groups < 8 else { return nil }
            var (group, digits): (UInt128, Int) = (0, 0)
            let start = index
            while index < bytes.count, let digit = bytes[index].hexValue {
                guard digits < 4 else { return nil }
                group = group << 4 | UInt128(digit)
                (digits, index) = (digits + 1, index + 1)
            }
            if index < bytes.count, bytes[index] == 0x2E {
                guard groups <= 6, let v4 = parseV4(bytes.part(start, bytes.count)) else { return nil }
                add(UInt128(v4 >> 16))
                add(UInt128(v4 & 0xFFFF))
                index = bytes.count
                break
            }
            guard digits > 0 else { return nil }
            add(group)
            if index == bytes.count { break }
            guard bytes[index] == 0x3A, index + 1 < bytes.count else { return nil }
            index += 1
            if bytes[index] == 0x3A {
                guard !gap else { return nil }
                (gap, index) = (true, index + 1)
            }
        }
        guard gap ? groups < 8 : groups == 8 else { return nil }
        guard gap else { return head }
        let headGroups = groups - tailGroups
        let top = headGroups == 0 ? 0 : head << UInt128(16 * (8 - headGroups))
        return top | tail
    }
}

/// A network: an address and how many of its leading bits count.
public struct Prefix: Hashable, Sendable {
    /// The first address; bits behind the length are zero.
    public let first: IPAddress
    /// Bits of the 128-bit form that count: an IPv4 length is held with 96 added.
    public let bits: Int

    /// The network of that length around `address`; lengths are 0 to 32 for IPv4 and 0 to 128 for IPv6.
    public init?(_ address: IPAddress, length: Int) {
        guard length >= 0, length <= (address.isV4 ? 32 : 128) else { return nil }
        bits = address.isV4 ? length + 96 : length
        first = IPAddress(value: address.value & Self.mask(bits))
    }

    /// One single address.
    public init(_ address: IPAddress) {
        (first, bits) = (address, 128)
    }

    /// Reads `192.0.2.0/24`, `2001:db8::/32` or a bare address; nil if it is neither.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]), parts.count <= 2 else { return nil }
        guard parts.count == 2 else {
            self.init(address)
            return
        }
        guard parts[1].utf8.allSatisfy(\.isDigit), let length = Int(parts[1]) else { return nil }
        self.init(address, length: length)
    }

    public var last: IPAddress { IPAddress(value: first.value | ~Self.mask(bits)) }

    public func contains(_ address: IPAddress) -> Bool { address.value & Self.mask(bits) == first.value }

    public func overlaps(_ other: Prefix) -> Bool { contains(other.first) || other.contains(first) }

    /// Whether it holds so many that nobody bans all of them but by mistake: loopback as a whole, or more addresses than an
    /// IPv4 /8 or an IPv6 /16 has.
    public var isVeryWide: Bool {
        if contains(IPAddress(value: 1)), bits < 128 { return true }
        guard first.isV4, bits >= 96 else { return bits < 16 }
        return bits - 96 < 8 || (bits == 104 && first == IPAddress(v4: 0x7F00_0000))
    }

    static func mask(_ bits: Int) -> UInt128 { bits == 0 ? 0 : ~0 << UInt128(128 - bits) }
}

extension Prefix: CustomStringConvertible {
    public var isSingleAddress: Bool { bits == 128 }

    /// The address alone where the prefix is one address, otherwise in slash form.
    public var description: String { isSingleAddress ? first.description : slashed }

    /// Always in slash form.
    public var slashed: String { "\(first)/\(first.isV4 && bits >= 96 ? bits - 96 : bits)" }
}

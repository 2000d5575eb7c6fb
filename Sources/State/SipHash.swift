/// SipHash-1-3 (Aumasson and Bernstein 2012) of a few 64-bit words, under a key that each process draws for itself: where a
/// source or a counter falls in a table must not be for an attacker to choose.
///
/// Swift's `Hasher` is the same function, but reached through several calls for each word.
public struct SipHash {
    /// The key, as the state with which each hash begins; tables that are asked about the same sources share one.
    public struct Key: Sendable {
        fileprivate let v0: UInt64
        fileprivate let v1: UInt64
        fileprivate let v2: UInt64
        fileprivate let v3: UInt64

        public init() {
            var random = SystemRandomNumberGenerator()
            self.init(low: random.next(), high: random.next())
        }

        /// A known key, to compare with the reference.
        init(low: UInt64, high: UInt64) {
            v0 = low ^ 0x736F_6D65_7073_6575
            v1 = high ^ 0x646F_7261_6E64_6F6D
            v2 = low ^ 0x6C79_6765_6E65_7261
            v3 = high ^ 0x7465_6462_7974_6573
        }

        /// An IPv4 address is one word, an IPv6 address two: no two are hashed alike.
        @inline(__always)
        func hash(_ address: UInt128) -> UInt64 {
            var hash = SipHash(self)
            hash.combine(UInt64(truncatingIfNeeded: address))
            let high = UInt64(truncatingIfNeeded: address >> 64)
            if high != 0 { hash.combine(high) }
            return hash.finalize()
        }
    }

    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var words: UInt64 = 0

    @inline(__always)
    init(_ key: Key) { (v0, v1, v2, v3) = (key.v0, key.v1, key.v2, key.v3) }

    @inline(__always)
    mutating func combine(_ word: UInt64) {
        words &+= 1
        v3 ^= word
        round()
        v0 ^= word
    }

    @inline(__always)
    mutating func combine(_ wide: UInt128) {
        combine(UInt64(truncatingIfNeeded: wide))
        combine(UInt64(truncatingIfNeeded: wide >> 64))
    }

    /// The bytes and how many they are.
    mutating func combine(_ bytes: UnsafeRawBufferPointer) {
        combine(UInt64(truncatingIfNeeded: bytes.count))
        var index = 0
        while index + 8 <= bytes.count {
            combine(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
            index += 8
        }
        var rest: UInt64 = 0
        while index < bytes.count {
            rest = rest << 8 | UInt64(bytes[index])
            index += 1
        }
        combine(rest)
    }

    @inline(__always)
    consuming func finalize() -> UInt64 {
        // The reference's last word: the message's length in bytes, in its top byte.
        combine(words << 59)
        v2 ^= 0xFF
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }

    @inline(__always)
    private mutating func round() {
        v0 = v0 &+ v1
        v1 = (v1 << 13 | v1 >> 51) ^ v0
        v0 = v0 << 32 | v0 >> 32
        v2 = v2 &+ v3
        v3 = (v3 << 16 | v3 >> 48) ^ v2
        v0 = v0 &+ v3
        v3 = (v3 << 21 | v3 >> 43) ^ v0
        v2 = v2 &+ v1
        v1 = (v1 << 17 | v1 >> 47) ^ v2
        v2 = v2 << 32 | v2 >> 32
    }
}

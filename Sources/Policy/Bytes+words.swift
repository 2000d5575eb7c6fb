/// Eight bytes to be looked at all at once.
struct EightBytes: Equatable {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private let word: UInt64

    @inline(__always)
    init(_ start: UnsafePointer<UInt8>) {
        word = UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
    }

    /// Four bytes from each of two places.
    @inline(__always)
    init(_ low: UnsafePointer<UInt8>, _ high: UnsafePointer<UInt8>) {
        let low = UInt32(littleEndian: UnsafeRawPointer(low).loadUnaligned(as: UInt32.self))
        let high = UInt32(littleEndian: UnsafeRawPointer(high).loadUnaligned(as: UInt32.self))
        word = UInt64(high) << 32 | UInt64(low)
    }

    /// The place of the first that is `byte`.
    @inline(__always)
    func first(_ byte: UInt8) -> Int? {
        let found = equal(to: byte)
        return found == 0 ? nil : found.trailingZeroBitCount >> 3
    }

    /// Whether these are the bytes of `wanted`, where ASCII letters in lower case stand for both cases.
    @inline(__always)
    func equals(lowercase wanted: EightBytes) -> Bool {
        let tops = Self.ones << 7
        // Seven bits and what lifts the letters' ends, a and what follows z, into the eighth.
        let rest = wanted.word & ~tops
        let (fromA, behindZ) = (rest &+ Self.ones &* (0x80 - 0x61), rest &+ Self.ones &* (0x80 - 0x7B))
        // The cases of a letter differ in one bit.
        return word | (fromA & ~behindZ & ~wanted.word & tops) >> 2 == wanted.word
    }

    /// The top bit of each byte that is `byte`, the first byte's lowest. Above one that is set another may be set wrongly, by a
    /// borrow: the lowest is always right, and zero is.
    @inline(__always)
    private func equal(to byte: UInt8) -> UInt64 {
        let difference = word ^ (Self.ones &* UInt64(byte))
        return (difference &- Self.ones) & ~difference & (Self.ones << 7)
    }
}

/// Sixteen bytes to be looked at all at once.
struct SixteenBytes {
    typealias Piece = SIMD16<UInt8>
    typealias Found = SIMDMask<SIMD16<Int8>>

    let bytes: Piece

    @inline(__always)
    init(_ start: UnsafePointer<UInt8>) {
        bytes = UnsafeRawPointer(start).loadUnaligned(as: Piece.self)
    }

    /// Four or eight bytes from each of two places.
    @inline(__always)
    init(_ low: UnsafePointer<UInt8>, _ high: UnsafePointer<UInt8>, count: Int) {
        var words = SIMD2<UInt64>()
        if count == 8 {
            words[0] = UnsafeRawPointer(low).loadUnaligned(as: UInt64.self)
            words[1] = UnsafeRawPointer(high).loadUnaligned(as: UInt64.self)
        } else {
            words[0] = UInt64(UnsafeRawPointer(low).loadUnaligned(as: UInt32.self))
            words[1] = UInt64(UnsafeRawPointer(high).loadUnaligned(as: UInt32.self))
        }
        bytes = unsafeBitCast(words, to: Piece.self)
    }

    /// The place of the first that is `byte`.
    @inline(__always)
    func first(_ byte: UInt8) -> Int? {
        // Named with its type: written into the comparison, the compiler takes one that looks at a byte at a time.
        let wanted = Piece(repeating: byte)
        let found = unsafeBitCast(bytes .== wanted, to: SIMD2<UInt64>.self)
        let (low, high) = (UInt64(littleEndian: found[0]), UInt64(littleEndian: found[1]))
        guard low | high != 0 else { return nil }
        return (low != 0 ? low.trailingZeroBitCount : 64 &+ high.trailingZeroBitCount) >> 3
    }

    /// Whether any is marked.
    @inline(__always)
    func holds(_ found: Found) -> Bool {
        let words = unsafeBitCast(found, to: SIMD2<UInt64>.self)
        return words[0] | words[1] != 0
    }
}

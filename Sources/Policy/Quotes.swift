/// Whether any of several values holds a quote, or the percent sign of an escaped one: nearly none does, and one question for all
/// of them takes few steps.
struct Quotes {
    /// Zero as long as none was seen.
    private var found = SIMD2<UInt64>()

    @inline(__always)
    var areSeen: Bool { found[0] | found[1] != 0 }

    @inline(__always)
    mutating func look(at value: Bytes) {
        guard let start = value.baseAddress else { return }
        guard value.count >= 16 else { return look(atShort: value, start) }
        var index = 0
        while index &+ 16 < value.count {
            look(at: start + index)
            index &+= 16
        }
        // The last sixteen may have been looked at in part.
        look(at: start + (value.count &- 16))
    }

    @inline(__always)
    private mutating func look(at start: UnsafePointer<UInt8>) {
        look(at: UnsafeRawPointer(start).loadUnaligned(as: SIMD2<UInt64>.self))
    }

    /// Two pieces that may overlap.
    @inline(__always)
    private mutating func look(atShort value: Bytes, _ start: UnsafePointer<UInt8>) {
        let (bytes, count) = (UnsafeRawPointer(start), value.count)
        if count >= 8 {
            look(
                at: SIMD2(
                    bytes.loadUnaligned(as: UInt64.self),
                    bytes.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)))
        } else if count >= 4 {
            let low = UInt64(bytes.loadUnaligned(as: UInt32.self))
            let high = UInt64(bytes.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
            look(at: SIMD2(low | high << 32, 0))
        } else {
            for byte in value { look(at: SIMD2(UInt64(byte), 0)) }
        }
    }

    /// `'`, `"`, a backtick or `%`.
    @inline(__always)
    private mutating func look(at words: SIMD2<UInt64>) {
        typealias Piece = SIMD16<UInt8>
        let bytes = unsafeBitCast(words, to: Piece.self)
        // Two of them differ in one bit.
        let quotes =
            (bytes & Piece(repeating: 0xFD) .== Piece(repeating: 0x25)) .| (bytes .== Piece(repeating: 0x22))
            .| (bytes .== Piece(repeating: 0x60))
        found |= unsafeBitCast(quotes, to: SIMD2<UInt64>.self)
    }
}

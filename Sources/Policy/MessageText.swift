/// A message that is looked at sixteen bytes at a time; places in it are offsets from its beginning.
///
/// A search has a beginning and an end, both within the message. It looks behind its end, since most of what is searched is
/// shorter than sixteen bytes, but never behind the message's.
struct MessageText {
    private let base: UnsafePointer<UInt8>
    let count: Int

    /// A piece from one place up to another.
    struct Part {
        var start: Int
        var end: Int

        @inline(__always)
        init(_ start: Int, _ end: Int) { (self.start, self.end) = (start, end) }

        @inline(__always)
        var isEmpty: Bool { start >= end }
    }

    typealias Piece = SIMD16<UInt8>
    typealias Found = SIMDMask<SIMD16<Int8>>

    init?(_ message: Bytes) {
        guard let start = message.baseAddress else { return nil }
        (base, count) = (start, message.count)
    }

    @inline(__always)
    subscript(place: Int) -> UInt8 { base[place] }

    /// The bytes of a part, to be kept as a fact.
    @inline(__always)
    subscript(part: Part) -> Bytes { Bytes(start: base + part.start, count: part.end &- part.start) }

    /// The sixteen bytes at `place`, with zeros for those behind the message's end.
    @inline(__always)
    private func piece(at place: Int) -> Piece {
        guard place &+ 16 <= count else { return lastPiece(at: place) }
        return UnsafeRawPointer(base + place).loadUnaligned(as: Piece.self)
    }

    @inline(never)
    private func lastPiece(at place: Int) -> Piece {
        var piece = Piece()
        withUnsafeMutableBytes(of: &piece) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: base + place, count: count - place))
        }
        return piece
    }

    /// The first place of the part at which `wanted` says so; the part's end where there is none.
    @inline(__always)
    func first(in part: Part, _ wanted: (Piece) -> Found) -> Int {
        var place = part.start
        while place < part.end {
            let words = unsafeBitCast(wanted(piece(at: place)), to: SIMD2<UInt64>.self)
            let (low, high) = (UInt64(littleEndian: words[0]), UInt64(littleEndian: words[1]))
            if low != 0 { return min(place &+ low.trailingZeroBitCount >> 3, part.end) }
            if high != 0 { return min(place &+ 8 &+ high.trailingZeroBitCount >> 3, part.end) }
            place &+= 16
        }
        return part.end
    }

    @inline(__always)
    func first(_ byte: UInt8, in part: Part) -> Int {
        first(in: part) { $0 .== Piece(repeating: byte) }
    }

    @inline(__always)
    func first(_ byte: UInt8, or other: UInt8, in part: Part) -> Int {
        first(in: part) { ($0 .== Piece(repeating: byte)) .| ($0 .== Piece(repeating: other)) }
    }

    /// The part without the white space around it.
    @inline(__always)
    func trimmed(_ part: Part) -> Part {
        var part = part
        skipSpace(&part)
        while part.start < part.end, self[part.end &- 1].isSpace { part.end &-= 1 }
        return part
    }

    /// Moves the part's beginning behind white space.
    @inline(__always)
    func skipSpace(_ part: inout Part) {
        while part.start < part.end, self[part.start].isSpace { part.start &+= 1 }
    }

    /// Takes the byte off the part's beginning if it stands there.
    @inline(__always)
    func take(_ byte: UInt8, _ part: inout Part) -> Bool {
        guard part.start < part.end, self[part.start] == byte else { return false }
        part.start &+= 1
        return true
    }

    /// The four bytes at `place` as one number, the first byte lowest, letters in lower case; other bytes may be others.
    @inline(__always)
    func four(at place: Int) -> UInt32 {
        guard place &+ 4 <= count else { return lastFour(at: place) }
        return UInt32(littleEndian: UnsafeRawPointer(base + place).loadUnaligned(as: UInt32.self)) | 0x2020_2020
    }

    @inline(never)
    private func lastFour(at place: Int) -> UInt32 {
        (place..<count).reversed().reduce(0) { $0 << 8 | UInt32(self[$1] | 0x20) }
    }

    /// Whether the part begins with `name`, which has at least four bytes and is in lower case, with letters of either case. Short, and
    /// without a loop, so that it is inlined and all about the name becomes a constant.
    @inline(__always)
    func begins(_ part: Part, _ name: StaticString) -> Bool {
        let (start, wanted, length) = (base + part.start, name.utf8Start, name.utf8CodeUnitCount)
        guard part.end &- part.start >= length else { return false }
        if length < 8 {
            let last = length &- 4
            return EightBytes(start, start + last).equals(lowercase: EightBytes(wanted, wanted + last))
        }
        let last = length &- 8
        return EightBytes(start).equals(lowercase: EightBytes(wanted))
            && EightBytes(start + last).equals(lowercase: EightBytes(wanted + last))
            && (last <= 8 || EightBytes(start + 8).equals(lowercase: EightBytes(wanted + 8)))
    }
}

extension SIMD16<UInt8> {
    /// Where white space stands.
    @inline(__always)
    var isSpace: MessageText.Found {
        // 9 and 13 differ in one bit.
        (self .== Self(repeating: 0x20)) .| (self .== Self(repeating: 0x0A))
            .| (self & Self(repeating: 0xFB) .== Self(repeating: 0x09))
    }

    /// Where a host ends: `:`, `;`, `?`, `>` or white space.
    @inline(__always)
    var endsHost: MessageText.Found {
        // These four differ in two bits.
        (self & Self(repeating: 0xFA) .== Self(repeating: 0x3A)) .| isSpace
    }

    /// Where a user ends as most are written: `:`, `>` or `@`.
    @inline(__always)
    var endsUser: MessageText.Found {
        // The first two differ in one bit.
        (self & Self(repeating: 0xFB) .== Self(repeating: 0x3A)) .| (self .== Self(repeating: 0x40))
    }

    /// Where a port in Via ends: `;`, `,` or white space.
    @inline(__always)
    var endsPort: MessageText.Found {
        (self .== Self(repeating: 0x3B)) .| (self .== Self(repeating: 0x2C)) .| isSpace
    }
}

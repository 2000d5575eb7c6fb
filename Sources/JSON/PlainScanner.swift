import CPlatform

/// Reads JSON that is written plainly, in one pass over the bytes and without a tree.
///
/// Plain means: no white space between tokens, ASCII, the escapes `\" \\ \/ \n \r \t` only, whole numbers of at most eighteen
/// digits. Whatever else JSON allows is not understood, which is not the same as wrong: that text is `JSONDocument`'s.
/// So this never says more than the parser would; a test compares the two on mutated requests.
public struct PlainScanner {
    private let base: UnsafePointer<UInt8>
    private let count: Int
    /// Where strings with escapes are written out; at least as long as the text.
    private var scratch: UnsafeMutablePointer<UInt8>
    public private(set) var position = 0

    /// - Parameter scratch: memory for sixteen bytes more than `text` has; what is read points into it or into `text`.
    public init?(_ text: UnsafeRawBufferPointer, scratch: UnsafeMutablePointer<UInt8>) {
        guard let start = text.baseAddress else { return nil }
        base = start.assumingMemoryBound(to: UInt8.self)
        count = text.count
        self.scratch = scratch
    }

    public var isAtEnd: Bool { position == count }

    /// The next byte, if there is one, left where it is.
    public var next: UInt8? { position < count ? base[position] : nil }

    /// Takes the byte if it comes next.
    @inline(__always)
    public mutating func take(_ byte: UInt8) -> Bool {
        guard position < count, base[position] == byte else { return false }
        position += 1
        return true
    }

    /// The bytes from an earlier position up to here, as they stand in the text.
    public func text(from start: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + start, count: position - start)
    }

    /// A whole number that is not negative.
    public mutating func number() -> Int? {
        let start = position
        var value = 0
        while position < count, base[position] &- 0x30 <= 9, position - start < 19 {
            // Nineteen digits may wrap around; they are refused below.
            value = value &* 10 &+ Int(base[position] - 0x30)
            position += 1
        }
        let digits = position - start
        guard digits > 0, digits < 19, digits == 1 || base[start] != 0x30 else { return nil }
        return value
    }

    /// A member's name and its colon, as the sixteen bytes of a number; nil for a longer or an unusual name.
    @inline(__always)
    public mutating func key() -> UInt128? {
        guard take(0x22) else { return nil }
        let start = position
        // Room for the longest name, its quote and its colon; the end of a request is nearer only where it is cut off.
        guard start + 18 <= count else { return lastKey() }
        let (low, high) = (word(at: start), word(at: start + 8))
        let (lowEnd, highEnd) = (Self.special(low), Self.special(high))
        let length: Int
        let name: UInt128
        if lowEnd != 0 {
            length = lowEnd.trailingZeroBitCount >> 3
            name = UInt128(low & ~(~0 << UInt64(length << 3)))
        } else {
            length = 8 + highEnd.trailingZeroBitCount >> 3
            name = UInt128(low) | UInt128(highEnd == 0 ? high : high & ~(~0 << UInt64(length << 3 - 64))) << 64
        }
        guard base[start + length] == 0x22, base[start + length + 1] == 0x3A else { return nil }
        position = start + length + 2
        return name
    }

    /// The same near the end of the text.
    private mutating func lastKey() -> UInt128? {
        let start = position
        let end = firstSpecial(from: start)
        guard end < count, base[end] == 0x22, end - start <= 16 else { return nil }
        position = end + 1
        guard take(0x3A) else { return nil }
        return UInt128(name: UnsafeBufferPointer(start: base + start, count: end - start))
    }

    /// A string's value.
    @inline(__always)
    public mutating func string() -> UnsafeBufferPointer<UInt8>? {
        guard take(0x22) else { return nil }
        let start = position
        let end = firstSpecial(from: start)
        guard end < count, base[end] == 0x22 else { return stringWithEscapes(from: start, firstAt: end) }
        position = end + 1
        return UnsafeBufferPointer(start: base + start, count: end - start)
    }

    /// Copies as it looks: what was copied of a word from its escape on is written over.
    private mutating func stringWithEscapes(from start: Int, firstAt first: Int) -> UnsafeBufferPointer<UInt8>? {
        var (index, out) = (start, scratch)
        while true {
            if index + 16 <= count {
                let plain = Int(plain_copy16(out, base + index))
                index += plain
                out += plain
                if plain == 16 { continue }
            } else {
                while index < count, Self.isPlain(base[index]) {
                    out.pointee = base[index]
                    (index, out) = (index + 1, out + 1)
                }
                guard index < count else { return nil }
            }
            if base[index] == 0x22 { break }
            guard base[index] == 0x5C, index + 1 < count, let byte = Self.escaped(base[index + 1]) else { return nil }
            out.pointee = byte
            (index, out) = (index + 2, out + 1)
        }
        defer { scratch = out }
        position = index + 1
        return UnsafeBufferPointer(start: scratch, count: out - scratch)
    }

    @inline(__always)
    private static func escaped(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x22, 0x5C, 0x2F: byte
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    /// The offset of the first byte that is not plain text: a quote, a backslash, a control character or not ASCII.
    @inline(__always)
    private func firstSpecial(from start: Int) -> Int {
        var index = start
        while index + 8 <= count {
            let special = Self.special(word(at: index))
            if special != 0 { return index + special.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < count, Self.isPlain(base[index]) { index += 1 }
        return index
    }

    @inline(__always)
    private func word(at index: Int) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self))
    }

    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C
    }

    /// Of eight bytes those that are not plain text, by their top bits. A borrow can set one wrongly, but only above a byte that
    /// is special, so the lowest is right, and zero is.
    @inline(__always)
    private static func special(_ word: UInt64) -> UInt64 {
        let (ones, tops): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        let (quote, slash) = (word ^ (ones &* 0x22), word ^ (ones &* 0x5C))
        let control = (word &- ones &* 0x20) & ~word
        return (control | (quote &- ones) & ~quote | (slash &- ones) & ~slash | word) & tops
    }
}

extension UInt128 {
    /// Up to sixteen bytes as a number, to compare names with one operation.
    @inline(__always)
    init(name: UnsafeBufferPointer<UInt8>) {
        var value: UInt128 = 0
        withUnsafeMutableBytes(of: &value) { $0.copyMemory(from: UnsafeRawBufferPointer(name)) }
        self = UInt128(littleEndian: value)
    }

    /// A member's name, which has at most sixteen bytes, as `PlainScanner.key` returns it.
    public init(name: StaticString) {
        self.init(name: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
}

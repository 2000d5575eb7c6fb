import CPlatform

/// Reads JSON that is written plainly, in one pass over the bytes and without a tree.
///
/// Plain means: no white space between tokens, ASCII, the escapes `\" \\ \/ \n \r \t` only, whole numbers of at most eighteen
/// digits. Whatever else JSON allows is not understood, which is not the same as wrong: that text is `JSONDocument`'s.
/// So this never says more than the parser would; a test compares the two on mutated requests.
public struct PlainScanner {
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let count: Int
    /// Where strings with escapes are written out; at least as long as the text.
    private var scratch: UnsafeMutablePointer<UInt8>
    /// The offset of the next byte.
    public var position = 0

    /// - Parameter scratch: memory for sixteen bytes more than `text` has; what is read points into it or into `text`.
    public init?(_ text: UnsafeRawBufferPointer, scratch: UnsafeMutablePointer<UInt8>) {
        guard let start = text.baseAddress else { return nil }
        base = start.assumingMemoryBound(to: UInt8.self)
        count = text.count
        self.scratch = scratch
    }

    @inlinable public var isAtEnd: Bool { position == count }

    /// The next byte, if there is one, left where it is.
    @inlinable public var next: UInt8? { position < count ? base[position] : nil }

    /// Takes the byte if it comes next.
    @inlinable
    @inline(__always)
    public mutating func take(_ byte: UInt8) -> Bool {
        guard position < count, base[position] == byte else { return false }
        position &+= 1
        return true
    }

    /// The bytes from an earlier position up to here, as they stand in the text.
    public func text(from start: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + start, count: position - start)
    }

    /// A whole number that is not negative.
    @inlinable
    public mutating func number() -> Int? {
        let start = position
        let end = min(count, start &+ 19)
        var value = 0
        while position < end, base[position] &- 0x30 <= 9 {
            // Nineteen digits may wrap around; they are refused below.
            value = value &* 10 &+ Int(base[position] &- 0x30)
            position &+= 1
        }
        let digits = position &- start
        guard digits > 0, digits < 19, digits == 1 || base[start] != 0x30 else { return nil }
        return value
    }

    /// A member's name and its colon, as the sixteen bytes of a number; nil for a longer name or one that ends elsewhere.
    ///
    /// What stands in the name is not looked at but for zeros at its end, which the number would hide: whoever compares it with
    /// names that he knows finds none with an escape or a control character.
    @inlinable
    @inline(__always)
    public mutating func key() -> UInt128? {
        guard take(0x22) else { return nil }
        let start = position
        // Room for the longest name, its quote and its colon; the end of a request is nearer only where it is cut off.
        guard start &+ 18 <= count else { return lastKey() }
        let length = Int(plain_before_quote16(base + start))
        let end = base + start + length
        guard end[0] == 0x22, end[1] == 0x3A, end[-1] != 0 else { return nil }
        position = start &+ length &+ 2
        return UInt128(firstBytes: length, of: base + start)
    }

    /// The same near the end of the text.
    @usableFromInline
    mutating func lastKey() -> UInt128? {
        let start = position
        let end = start + plain_length(base + start, count - start)
        guard end < count, base[end] == 0x22, end - start <= 16 else { return nil }
        position = end + 1
        guard take(0x3A) else { return nil }
        return UInt128(name: UnsafeBufferPointer(start: base + start, count: end - start))
    }

    /// A string's value.
    @inlinable
    @inline(__always)
    public mutating func string() -> UnsafeBufferPointer<UInt8>? {
        guard take(0x22) else { return nil }
        let start = position
        let length = plain_length(base + start, count &- start)
        let end = start &+ length
        guard end < count, base[end] == 0x22 else { return stringWithEscapes(from: start) }
        position = end &+ 1
        return UnsafeBufferPointer(start: base + start, count: length)
    }

    @usableFromInline
    mutating func stringWithEscapes(from start: Int) -> UnsafeBufferPointer<UInt8>? {
        var read = 0
        let length = plain_unescape(scratch, base + start, count - start, &read)
        guard read > 0 else { return nil }
        defer { scratch += length }
        position = start + read
        return UnsafeBufferPointer(start: scratch, count: length)
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

    /// The first `count` of the sixteen bytes at `start` as a number.
    @inlinable
    @inline(__always)
    init(firstBytes count: Int, of start: UnsafePointer<UInt8>) {
        let words = UnsafeRawPointer(start).loadUnaligned(as: SIMD2<UInt64>.self)
        let bits = UInt64(truncatingIfNeeded: count) &* 8
        let (low, high) = (UInt64(littleEndian: words[0]), UInt64(littleEndian: words[1]))
        if count < 8 {
            self = UInt128(low & ~(~0 &<< bits))
        } else {
            self = UInt128(low) | UInt128(count == 16 ? high : high & ~(~0 &<< (bits &- 64))) << 64
        }
    }

    /// A member's name, which has at most sixteen bytes, as `PlainScanner.key` returns it.
    public init(name: StaticString) {
        self.init(name: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
}

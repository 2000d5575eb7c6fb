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

    /// - Parameter scratch: memory for at least as many bytes as `text` has; what is read points into it or into `text`.
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
    public mutating func key() -> UInt128? {
        guard take(0x22) else { return nil }
        let start = position
        let end = firstSpecial(from: start)
        guard end < count, base[end] == 0x22, end - start <= 16 else { return nil }
        position = end + 1
        guard take(0x3A) else { return nil }
        return UInt128(name: UnsafeBufferPointer(start: base + start, count: end - start))
    }

    /// A string's value.
    public mutating func string() -> UnsafeBufferPointer<UInt8>? {
        guard take(0x22) else { return nil }
        let start = position
        let end = firstSpecial(from: start)
        guard end < count, base[end] == 0x22 else { return stringWithEscapes(from: start, firstAt: end) }
        position = end + 1
        return UnsafeBufferPointer(start: base + start, count: end - start)
    }

    private mutating func stringWithEscapes(from start: Int, firstAt first: Int) -> UnsafeBufferPointer<UInt8>? {
        let value = scratch
        var (run, end) = (start, first)
        while true {
            scratch.update(from: base + run, count: end - run)
            scratch += end - run
            guard end < count else { return nil }
            if base[end] == 0x22 { break }
            guard base[end] == 0x5C, end + 1 < count, let byte = Self.escaped(base[end + 1]) else { return nil }
            scratch.pointee = byte
            scratch += 1
            run = end + 2
            end = firstSpecial(from: run)
        }
        position = end + 1
        return UnsafeBufferPointer(start: value, count: scratch - value)
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
    ///
    /// Eight at a time: a byte's top bit is set where it is special. A borrow can set it wrongly, but only above a byte that
    /// is special, so the lowest is right.
    @inline(__always)
    private func firstSpecial(from start: Int) -> Int {
        var index = start
        let (ones, tops): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        while index + 8 <= count {
            let word = UInt64(littleEndian: UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self))
            let (quote, slash) = (word ^ (ones &* 0x22), word ^ (ones &* 0x5C))
            let control = (word &- ones &* 0x20) & ~word
            let special = (control | (quote &- ones) & ~quote | (slash &- ones) & ~slash | word) & tops
            if special != 0 { return index + special.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < count, base[index] >= 0x20, base[index] < 0x80, base[index] != 0x22, base[index] != 0x5C {
            index += 1
        }
        return index
    }
}

extension UInt128 {
    /// Up to sixteen bytes as a number, to compare names with one operation.
    @inline(__always)
    init(name: UnsafeBufferPointer<UInt8>) {
        var value: UInt128 = 0
        withUnsafeMutableBytes(of: &value) { $0.copyMemory(from: UnsafeRawBufferPointer(name)) }
        self = value
    }

    /// A member's name, which has at most sixteen bytes, as `PlainScanner.key` returns it.
    public init(name: StaticString) {
        self.init(name: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
}

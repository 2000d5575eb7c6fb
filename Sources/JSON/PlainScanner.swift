import CPlatform

/// Reads JSON that is written plainly, in one pass over the bytes and without a tree.
///
/// Plain means: no white space between tokens, ASCII, the escapes `\" \\ \/ \n \r \t` only, whole numbers of at most eighteen
/// digits. Whatever else JSON allows is not understood, which is not the same as wrong: that text is `JSONDocument`'s.
/// So this never says more than the parser would; a test compares the two on mutated requests.
///
/// What is unusual is read by functions that take the scanner by value and give back another, so that whoever reads what is usual
/// has it in registers.
public struct PlainScanner {
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline let count: Int
    /// Where strings with escapes are written out: as long as the text, and `PLAIN_SPILL` more.
    @usableFromInline var scratch: UnsafeMutablePointer<UInt8>
    /// Where places of line feeds are written.
    @usableFromInline let places: UnsafeMutablePointer<UInt32>
    /// The offset of the next byte.
    public var position = 0

    /// How many line feeds of a message are kept.
    @usableFromInline static var feedCount: Int { 128 }

    /// How much memory a scanner needs beside the text.
    @inlinable
    public static func memory(for text: UnsafeRawBufferPointer) -> Int { text.count + memoryForAny }

    @usableFromInline static var memoryForAny: Int { feedCount * 4 + Int(PLAIN_SPILL) }

    /// - Parameter memory: as much as `memory(for:)` says, at a multiple of four; what is read points into it or into `text`.
    public init?(_ text: UnsafeRawBufferPointer, memory: UnsafeMutableRawPointer) {
        guard let start = text.baseAddress else { return nil }
        base = start.assumingMemoryBound(to: UInt8.self)
        count = text.count
        places = memory.bindMemory(to: UInt32.self, capacity: Self.feedCount)
        scratch = (memory + Self.feedCount * 4).assumingMemoryBound(to: UInt8.self)
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

    /// Takes the text if it comes next.
    @inlinable
    @inline(__always)
    public mutating func take(_ text: StaticString) -> Bool {
        guard count &- position >= text.utf8CodeUnitCount,
            plain_same(base + position, text.utf8Start, text.utf8CodeUnitCount) != 0
        else { return false }
        position &+= text.utf8CodeUnitCount
        return true
    }

    /// Takes a comma, the member's name and its colon if they come next; `key` is asked otherwise.
    @inlinable
    @inline(__always)
    public mutating func take(_ member: PlainMember) -> Bool {
        guard count &- position >= 16, member.stands(at: base + position, member.mask) else { return false }
        position &+= member.count
        return true
    }

    /// The same behind the bracket that begins an object, which has been taken: it stands where others have a comma.
    @inlinable
    @inline(__always)
    public mutating func takeFirst(_ member: PlainMember) -> Bool {
        let start = position &- 1
        guard count &- start >= 16, member.stands(at: base + start, member.mask & ~1) else { return false }
        position = start &+ member.count
        return true
    }

    /// The bytes from an earlier position up to here, as they stand in the text.
    public func text(from start: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + start, count: position - start)
    }

    /// A whole number that is not negative.
    @inlinable
    @inline(__always)
    public mutating func number() -> Int? {
        let start = position
        guard skipNumber() else { return nil }
        var value = 0
        for place in start..<position { value = value &* 10 &+ Int(base[place] &- 0x30) }
        return value
    }

    /// Goes behind a whole number that is not negative, if one comes next.
    @inlinable
    @inline(__always)
    public mutating func skipNumber() -> Bool {
        let (start, rest) = (base + position, count &- position)
        var digits = rest >= 16 ? Int(plain_digits16(start)) : 16
        if digits == 16 { digits = Self.digits(start, rest) }
        // A number does not begin with 0, but for 0.
        guard digits > 0, digits == 1 || start[0] != 0x30 else { return false }
        position &+= digits
        return true
    }

    /// How many digits a number of sixteen or more has, or one near the end of the text; none where there are over eighteen.
    @usableFromInline
    static func digits(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int {
        var digits = 0
        while digits < count, start[digits] &- 0x30 <= 9 { digits += 1 }
        return digits < 19 ? digits : 0
    }

    /// A member's name and its colon; nil for a longer name or one that ends elsewhere.
    ///
    /// What stands in the name is not looked at but for zeros at its end, which `PlainName` would hide: whoever compares it with
    /// names that he knows finds none with an escape or a control character.
    @inlinable
    @inline(__always)
    public mutating func key() -> PlainName? {
        // Room for the longest name, its quotes and its colon; the end of a request is nearer only where it is cut off.
        guard count &- position >= 19 else {
            let name: PlainName?
            (self, name) = behindLastKey
            return name
        }
        let start = base + (position &+ 1)
        let name = plain_before_quote16(start)
        let length = Int(name.length)
        guard start[-1] == 0x22, start[length] == 0x22, start[length &+ 1] == 0x3A, start[length &- 1] != 0 else {
            return nil
        }
        position &+= length &+ 3
        return PlainName(low: name.low, high: name.high)
    }

    /// The same near the end of the text.
    @usableFromInline
    var behindLastKey: (PlainScanner, PlainName?) {
        var next = self
        guard next.take(0x22) else { return (self, nil) }
        let start = next.position
        let end = start + plain_length(base + start, count - start)
        guard end < count, base[end] == 0x22, end - start <= 16 else { return (self, nil) }
        next.position = end + 1
        guard next.take(0x3A) else { return (self, nil) }
        return (next, PlainName(UnsafeBufferPointer(start: base + start, count: end - start)))
    }

    /// A string's value.
    @inlinable
    @inline(__always)
    public mutating func string() -> UnsafeBufferPointer<UInt8>? {
        guard take(0x22) else { return nil }
        var end = position
        while count &- end > 16 {
            let length = Int(plain_length16(base + end))
            end &+= length
            if length == 16 { continue }
            guard base[end] == 0x22 else { break }
            defer { position = end &+ 1 }
            return UnsafeBufferPointer(start: base + position, count: end &- position)
        }
        let value: UnsafeBufferPointer<UInt8>?
        (self, value) = behindUnusualString
        return value
    }

    /// The same near the end of the text and with escapes, from behind the quote.
    @usableFromInline
    var behindUnusualString: (PlainScanner, UnsafeBufferPointer<UInt8>?) {
        var next = self
        let length = plain_length(base + position, count - position)
        let end = position + length
        guard end < count, base[end] == 0x22 else {
            var feeds = plain_feeds(places: places, room: 0, count: 0)
            let value = next.stringWithEscapes(&feeds)
            return (next, value)
        }
        next.position = end + 1
        return (next, UnsafeBufferPointer(start: base + position, count: length))
    }

    /// A string's value that is likely to have escapes, and in `lineFeeds` where the first of its lines end; once for a text.
    @inlinable
    @inline(__always)
    public mutating func message(lineFeeds: inout UnsafeBufferPointer<UInt32>) -> UnsafeBufferPointer<UInt8>? {
        guard take(0x22) else { return nil }
        var feeds = plain_feeds(places: places, room: Self.feedCount, count: 0)
        let value = stringWithEscapes(&feeds)
        lineFeeds = UnsafeBufferPointer(start: places, count: feeds.count)
        return value
    }

    @inlinable
    @inline(__always)
    mutating func stringWithEscapes(_ feeds: inout plain_feeds) -> UnsafeBufferPointer<UInt8>? {
        var read = 0
        let length = plain_unescape(scratch, base + position, count - position, &read, &feeds)
        guard read > 0 else { return nil }
        defer { scratch += length }
        position += read
        return UnsafeBufferPointer(start: scratch, count: length)
    }
}

/// A member's name of at most sixteen bytes as two numbers, to be compared at once.
public struct PlainName: Equatable {
    public let low: UInt64
    public let high: UInt64

    @inlinable
    init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }

    /// A longer name is a mistake of the program.
    @usableFromInline
    init(_ name: UnsafeBufferPointer<UInt8>) {
        var bytes = SIMD2<UInt64>()
        withUnsafeMutableBytes(of: &bytes) { $0.copyMemory(from: UnsafeRawBufferPointer(name)) }
        (low, high) = (bytes[0], bytes[1])
    }

    public init(_ name: StaticString) {
        self.init(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
}

/// A member's name as it is written, with the comma before it, its quotes and its colon, to be compared at once.
public struct PlainMember {
    @usableFromInline let bytes: SIMD16<UInt8>
    /// Which of the bytes count.
    @usableFromInline let mask: UInt32
    @usableFromInline let count: Int

    /// A name of more than twelve bytes is a mistake of the program.
    public init(_ name: StaticString) {
        count = name.utf8CodeUnitCount + 4
        precondition(count <= 16)
        var bytes = SIMD16<UInt8>(repeating: 0x22)
        bytes[0] = 0x2C
        for place in 0..<name.utf8CodeUnitCount { bytes[place + 2] = name.utf8Start[place] }
        bytes[count - 1] = 0x3A
        (self.bytes, mask) = (bytes, 1 << UInt32(count) - 1)
    }

    @inlinable
    @inline(__always)
    func stands(at start: UnsafePointer<UInt8>, _ mask: UInt32) -> Bool {
        withUnsafeBytes(of: bytes) {
            plain_same16(start, $0.baseAddress!.assumingMemoryBound(to: UInt8.self), mask) != 0
        }
    }
}

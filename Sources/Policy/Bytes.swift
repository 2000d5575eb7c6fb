/// A view of bytes that somebody else owns for as long as the request lasts.
///
/// SIP headers are bytes and not always UTF-8, and a verdict must not allocate: so facts stay views into the received
/// message. A nil base address means "unknown", which is different from an empty value.
public typealias Bytes = UnsafeBufferPointer<UInt8>

extension UnsafeBufferPointer<UInt8> {
    /// The view that stands for a fact nobody told us.
    public static var unknown: Bytes { Bytes(start: nil, count: 0) }

    /// An empty value that is known.
    static var present: Bytes { Bytes(start: UnsafePointer(bitPattern: 1), count: 0) }

    /// Whether the fact was given at all, be it empty.
    public var isKnown: Bool { baseAddress != nil }

    /// The bytes from `start` up to `end`, as a view of the same memory.
    public func part(_ start: Int, _ end: Int) -> Bytes {
        guard let baseAddress, start <= end, start >= 0, end <= count else { return .unknown }
        return Bytes(start: baseAddress + start, count: end - start)
    }

    /// Without the white space around it; the line break of a folded header (RFC 3261 section 7.3.1) is white space.
    public var trimmed: Bytes {
        var (start, end) = (0, count)
        while start < end, self[start].isSpace { start += 1 }
        while end > start, self[end - 1].isSpace { end -= 1 }
        return part(start, end)
    }

    /// Index of the first `byte` at or after `start`.
    public func index(of byte: UInt8, from start: Int = 0) -> Int? {
        guard let baseAddress else { return nil }
        var index = start
        while index + 8 <= count {
            let found = EightBytes(baseAddress + index).equal(to: byte)
            if found != 0 { return index + found.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < count {
            if baseAddress[index] == byte { return index }
            index += 1
        }
        return nil
    }

    /// Whether this equals `text`, which must be lower case, with ASCII letters compared without case.
    public func equals(lowercase text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && hasPrefix(lowercase: Bytes(start: text.utf8Start, count: count))
    }

    /// Whether this begins with `prefix`, which must be lower case, with ASCII letters compared without case.
    public func hasPrefix(lowercase prefix: Bytes) -> Bool {
        guard count >= prefix.count else { return false }
        for index in 0..<prefix.count where self[index].lowercased != prefix[index] { return false }
        return true
    }

    /// Whether this ends with `suffix`, which must be lower case, with ASCII letters compared without case.
    public func hasSuffix(lowercase suffix: Bytes) -> Bool {
        count >= suffix.count && part(count - suffix.count, count).hasPrefix(lowercase: suffix)
    }

    /// Whether `needle`, which must be lower case, stands anywhere in this, ASCII letters without case.
    public func contains(lowercase needle: Bytes) -> Bool {
        guard let first = needle.first, count >= needle.count else { return needle.isEmpty }
        for start in 0...(count - needle.count) where self[start].lowercased == first {
            if part(start, count).hasPrefix(lowercase: needle) { return true }
        }
        return false
    }

    /// Whether `text`, which must be lower case, stands anywhere in this.
    public func contains(lowercase text: StaticString) -> Bool {
        text.withUTF8Buffer { contains(lowercase: $0) }
    }

    /// Whether both hold the same bytes.
    public func sameBytes(as other: Bytes) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where self[index] != other[index] { return false }
        return true
    }

    /// Index of the last `byte`.
    func lastIndex(of byte: UInt8) -> Int? {
        var index = count
        while index > 0 {
            index -= 1
            if self[index] == byte { return index }
        }
        return nil
    }

    /// A copy for people; bytes that are not UTF-8 become U+FFFD.
    public var text: String { String(decoding: self, as: UTF8.self) }
}

/// Eight bytes to be looked at all at once.
struct EightBytes {
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

    /// The top bit of each byte whose bits under `mask` are `byte`, the first byte's lowest. Above one that is set another may
    /// be set wrongly, by a borrow: the lowest is always right, and zero is.
    @inline(__always)
    func equal(to byte: UInt8, mask: UInt8 = 0xFF) -> UInt64 {
        let difference = (word & (Self.ones &* UInt64(mask))) ^ (Self.ones &* UInt64(byte))
        return (difference &- Self.ones) & ~difference & (Self.ones << 7)
    }
}

extension UInt8 {
    @inline(__always) public var isSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0D || self == 0x0A }
    @inline(__always) public var isDigit: Bool { self >= 0x30 && self <= 0x39 }
    @inline(__always) public var lowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }

    /// The value of a hexadecimal digit.
    public var hexValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x61...0x66: self - 0x61 + 10
        case 0x41...0x46: self - 0x41 + 10
        default: nil
        }
    }
}

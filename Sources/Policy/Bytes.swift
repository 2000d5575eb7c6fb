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
        while index &+ 16 <= count {
            if let found = SixteenBytes(baseAddress + index).first(byte) { return index &+ found }
            index &+= 16
        }
        if count &- index >= 8 {
            if let found = EightBytes(baseAddress + index).first(byte) { return index &+ found }
            index &+= 8
        }
        if index < count, count &- start >= 8 {
            // The last eight, of which those before `index` were looked at.
            return EightBytes(baseAddress + (count &- 8)).first(byte).map { count &- 8 &+ $0 }
        }
        while index < count {
            if baseAddress[index] == byte { return index }
            index &+= 1
        }
        return nil
    }

    /// Whether this equals `text`, which must be lower case, with ASCII letters compared without case.
    @inline(__always)
    public func equals(lowercase text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && hasPrefix(lowercase: Bytes(start: text.utf8Start, count: count))
    }

    /// Whether this begins with `prefix`, which must be lower case, with ASCII letters compared without case.
    public func hasPrefix(lowercase prefix: Bytes) -> Bool {
        guard count >= prefix.count, let start = baseAddress, let wanted = prefix.baseAddress else {
            return prefix.isEmpty
        }
        return Self.same(start, lowercase: wanted, prefix.count)
    }

    /// Whether as many bytes are the same at both places, letters at the second being in lower case and those at the first in
    /// either.
    @inline(__always)
    static func same(_ start: UnsafePointer<UInt8>, lowercase wanted: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard count >= 4 else {
            for index in 0..<count where !start[index].equals(lowercase: wanted[index]) { return false }
            return true
        }
        guard count >= 8 else {
            // The first four and the last four, which may overlap.
            let last = count &- 4
            return EightBytes(start, start + last).equals(lowercase: EightBytes(wanted, wanted + last))
        }
        return compare(count) { EightBytes(start + $0).equals(lowercase: EightBytes(wanted + $0)) }
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
        guard count == other.count, let start = baseAddress, let wanted = other.baseAddress else {
            return count == other.count
        }
        guard count >= 8 else {
            for index in 0..<count where start[index] != wanted[index] { return false }
            return true
        }
        return Self.compare(count) { EightBytes(start + $0) == EightBytes(wanted + $0) }
    }

    /// Whether `count` bytes, eight at least, are the same eight by eight; the last eight may overlap those before.
    @inline(__always)
    private static func compare(_ count: Int, _ sameEight: (Int) -> Bool) -> Bool {
        var index = 0
        while index &+ 8 <= count {
            guard sameEight(index) else { return false }
            index &+= 8
        }
        return index == count || sameEight(count &- 8)
    }

    /// Index of the last `byte`.
    func lastIndex(of byte: UInt8) -> Int? {
        var last = index(of: byte)
        while let found = last, let next = index(of: byte, from: found + 1) { last = next }
        return last
    }

    /// A copy for people; bytes that are not UTF-8 become U+FFFD.
    public var text: String { String(decoding: self, as: UTF8.self) }
}

extension UInt8 {
    /// Space, tab, carriage return or line feed.
    @inline(__always) public var isSpace: Bool {
        self <= 0x20 && 0x1_0000_2600 as UInt64 >> UInt64(self) & 1 != 0
    }
    @inline(__always) public var isDigit: Bool { self >= 0x30 && self <= 0x39 }
    @inline(__always) public var lowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }

    /// Whether this is `wanted`, or the upper case of that letter.
    @inline(__always)
    func equals(lowercase wanted: UInt8) -> Bool {
        self | (wanted >= 0x61 && wanted <= 0x7A ? 0x20 : 0) == wanted
    }

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

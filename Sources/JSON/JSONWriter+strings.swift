import CPlatform

extension JSONWriter {
    /// Writes a string literal.
    public mutating func string(_ text: StaticString) {
        string(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes a string.
    public mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string(UnsafeRawBufferPointer($0)) }
    }

    /// Writes bytes as a string.
    ///
    /// A byte that is not part of valid UTF-8 is written as `\u00XX`, the way clients write it too, so that what
    /// comes out is JSON whatever went in.
    public mutating func string(_ bytes: UnsafeRawBufferPointer) {
        separate()
        raw(UInt8(ascii: "\""))
        escaped(bytes)
        raw(UInt8(ascii: "\""))
    }

    /// Writes what stands between the quotes of a string; see `string(_:)`.
    @inlinable
    @inline(__always)
    public mutating func escaped(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
        reserve(bytes.count &+ Int(PLAIN_COPY_SPILL))
        let plain = Int(plain_copy(base + length, start, bytes.count))
        length &+= plain
        if plain < bytes.count { escapedRest(bytes, from: plain) }
    }

    /// The same from the first byte on that is not plain.
    @usableFromInline
    mutating func escapedRest(_ bytes: UnsafeRawBufferPointer, from first: Int) {
        let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress!
        var index = first
        while index < bytes.count {
            let scalar = lengthOfMultibyteScalar(in: bytes, at: index)
            if scalar > 0 {
                raw(UnsafeRawBufferPointer(rebasing: bytes[index..<(index + scalar)]))
            } else {
                escape(bytes[index])
            }
            index &+= max(scalar, 1)
            reserve(bytes.count &- index &+ Int(PLAIN_COPY_SPILL))
            let plain = Int(plain_copy(base + length, start + index, bytes.count &- index))
            length &+= plain
            index &+= plain
        }
    }

    private mutating func escape(_ byte: UInt8) {
        raw(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): raw(byte)
        case UInt8(ascii: "\n"): raw(UInt8(ascii: "n"))
        case UInt8(ascii: "\r"): raw(UInt8(ascii: "r"))
        case UInt8(ascii: "\t"): raw(UInt8(ascii: "t"))
        default:
            raw("u00")
            raw(hexDigit(byte >> 4))
            raw(hexDigit(byte & 0xF))
        }
    }
}

private func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

/// How many bytes at `index` are one Unicode scalar beyond ASCII; 0 if there is none.
///
/// The table of RFC 3629 section 4: which second bytes may follow which first byte.
private func lengthOfMultibyteScalar(in bytes: UnsafeRawBufferPointer, at index: Int) -> Int {
    let (length, second): (Int, ClosedRange<UInt8>) =
        switch bytes[index] {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: (3, 0x80...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: (0, 0...0)
        }
    guard length > 0, index + length <= bytes.count, second.contains(bytes[index + 1]) else { return 0 }
    for tail in bytes[(index + 2)..<(index + length)] where tail & 0xC0 != 0x80 { return 0 }
    return length
}

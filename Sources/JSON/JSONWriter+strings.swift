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
        var plain = 0  // start of the run that can be copied as it stands
        var index = 0
        while index < bytes.count {
            index += countOfPlainASCII(in: bytes, from: index)
            guard index < bytes.count else { break }
            let length = lengthOfPlainScalar(in: bytes, at: index)
            if length > 0 {
                index += length
            } else {
                raw(UnsafeRawBufferPointer(rebasing: bytes[plain..<index]))
                escape(bytes[index])
                index += 1
                plain = index
            }
        }
        raw(UnsafeRawBufferPointer(rebasing: bytes[plain...]))
        raw(UInt8(ascii: "\""))
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

/// How many bytes from `start` on surely need no escape: eight at a time, as long as all eight of them need none.
@inline(__always)
private func countOfPlainASCII(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var index = start
    let (ones, tops): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
    while index + 8 <= bytes.count {
        let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        let (quote, slash) = (word ^ (ones &* 0x22), word ^ (ones &* 0x5C))
        let control = (word &- ones &* 0x20) & ~word
        guard (control | (quote &- ones) & ~quote | (slash &- ones) & ~slash | word) & tops == 0 else { break }
        index += 8
    }
    return index - start
}

/// How many bytes at `index` are one Unicode scalar that needs no escape; 0 if the byte there must be escaped.
@inline(__always)
private func lengthOfPlainScalar(in bytes: UnsafeRawBufferPointer, at index: Int) -> Int {
    let byte = bytes[index]
    if byte < 0x80 {
        return byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") ? 1 : 0
    }
    return lengthOfMultibyteScalar(in: bytes, at: index)
}

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

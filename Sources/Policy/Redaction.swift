/// Takes passwords out of facts before they are stored.
///
/// Both functions write into memory that has room for as many bytes as the value, and say how many they wrote.
public enum Redaction {
    /// A field's value without what may be a password in it, in memory of its own.
    static func bytes(_ value: Bytes, of field: Field) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: max(1, value.count)) { memory, count in
            switch field {
            case .fromTag: count = tag(value, into: memory)
            case .ruri, .contact: count = uri(value, of: field, isCut: false, into: memory)
            default: count = copy(value, to: memory, at: 0)
            }
        }
    }

    /// Whether there may be a password in a From tag; where not, `tag` would copy it as it is.
    public static func mayHoldPassword(tag: Bytes) -> Bool { colon(inHex: tag) != nil }

    /// Whether there may be a password in a URI; where not, `uri` would copy it as it is.
    public static func mayHoldPassword(uri: Bytes) -> Bool {
        // The scheme's colon, the one before the password, and the at sign behind it.
        guard let scheme = uri.index(of: 0x3A), let colon = uri.index(of: 0x3A, from: scheme + 1) else { return false }
        return uri.index(of: 0x40, from: colon + 1) != nil
    }

    /// svcrack's From tag is hex of `user:password`, a byte 01 and a decimal number. The password becomes one hyphen, so
    /// that the tag keeps its form and is recognised when it is decided about again. Every tag of hex digits that could be
    /// one is treated so, also where the form is not quite SIPVicious': a phone's random tag loses nothing that matters.
    public static func tag(_ tag: Bytes, into output: UnsafeMutableBufferPointer<UInt8>) -> Int {
        guard let colon = colon(inHex: tag) else { return copy(tag, to: output, at: 0) }
        let tail = tail(ofHex: tag, after: colon)
        guard tail > 2 * colon + 2 else { return copy(tag, to: output, at: 0) }
        var count = copy(tag.part(0, 2 * colon + 2), to: output, at: 0)
        (output[count], output[count + 1]) = (0x32, 0x64)
        count += 2
        return copy(tag.part(tail, tag.count), to: output, at: count)
    }

    /// The index of the first pair of digits that is a colon, where only printable text stands before it.
    private static func colon(inHex tag: Bytes) -> Int? {
        for index in 0..<(tag.count / 2) {
            guard let byte = byte(tag, index), byte >= 0x20, byte != 0x7F else { return nil }
            if byte == 0x3A { return index }
        }
        return nil
    }

    /// Where the byte 01 and the number behind it begin, in digits; the end where there are none.
    private static func tail(ofHex tag: Bytes, after colon: Int) -> Int {
        guard tag.count.isMultiple(of: 2) else { return tag.count }
        var index = tag.count / 2 - 1
        while index > colon, let byte = byte(tag, index), byte.isDigit { index -= 1 }
        return index > colon && byte(tag, index) == 0x01 ? 2 * index : tag.count
    }

    private static func byte(_ tag: Bytes, _ index: Int) -> UInt8? {
        guard let high = tag[2 * index].hexValue, let low = tag[2 * index + 1].hexValue else { return nil }
        return high << 4 | low
    }

    /// `sip:user:password@host` (RFC 3261 section 19.1.1) loses what stands between the colon and the at sign.
    ///
    /// A password may be written as it is, with at signs, spaces and quotes: all up to the last at sign is taken for it, as the
    /// reader of messages does. In angle brackets the URI ends at `>`; without, where a list's next one begins, in a Contact.
    ///
    /// - Parameter isCut: the value went on, and its end may have been in a password.
    public static func uri(
        _ value: Bytes, of field: Field, isCut: Bool, into output: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        let open: UInt8? = field == .contact ? 0x3C : nil
        var (count, index, searched, isBracketed) = (0, 0, 0, false)
        while index < value.count {
            let byte = value[index]
            output[count] = byte
            count += 1
            index += 1
            if byte == 0x3C || byte == 0x3E { isBracketed = byte == 0x3C }
            // Where the search from one scheme found no password, that from another before its end would find none either.
            guard index >= searched, endsScheme(value, index) else { continue }
            let search = password(value, from: index, until: isBracketed ? 0x3E : open, isCut: isCut)
            searched = search.end
            guard let (colon, rest) = search.password else { continue }
            count = copy(value.part(index, colon), to: output, at: count)
            index = rest
        }
        return count
    }

    private static func endsScheme(_ value: Bytes, _ end: Int) -> Bool {
        value[end - 1] == 0x3A && (ends(value, end, "sip:") || ends(value, end, "sips:"))
    }

    private static func ends(_ value: Bytes, _ end: Int, _ scheme: StaticString) -> Bool {
        scheme.withUTF8Buffer { value.part(0, end).hasSuffix(lowercase: $0) }
    }

    /// Where a password's colon stands, if there is one, and the at sign behind it; and what ended the search.
    private static func password(
        _ value: Bytes, from start: Int, until end: UInt8?, isCut: Bool
    ) -> (password: (colon: Int, rest: Int)?, end: Int) {
        var (colon, at): (Int?, Int?)
        var index = start
        while index < value.count, value[index] != end {
            switch value[index] {
            case 0x3A: colon = colon ?? index
            case 0x40 where colon != nil: at = index
            default: break
            }
            index += 1
        }
        // The last at sign may be one that was cut off.
        if isCut, index == value.count { at = index }
        guard let colon, let at else { return (nil, index) }
        return ((colon, at), index)
    }

    private static func copy(_ bytes: Bytes, to output: UnsafeMutableBufferPointer<UInt8>, at start: Int) -> Int {
        for index in 0..<bytes.count { output[start + index] = bytes[index] }
        return start + bytes.count
    }
}

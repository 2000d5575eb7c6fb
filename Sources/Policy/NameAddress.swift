/// A From, To or Contact value taken apart: `"display" <sip:user@domain>;tag=...` or `sip:user@domain;tag=...`
/// (RFC 3261 section 20.10).
struct NameAddress {
    private(set) var display = Bytes.unknown
    private(set) var user = Bytes.unknown
    private(set) var domain = Bytes.unknown
    let tag: Bytes

    init(_ value: MessageText.Part, in text: MessageText) {
        var (uri, parameters) = (value, value)
        if let open = Self.openingBracket(value, text) {
            uri = MessageText.Part(open + 1, value.end)
            uri.end = text.first(0x3E, in: uri)
            parameters.start = min(uri.end + 1, value.end)
            if open > value.start { display = Self.unquoted(text.trimmed(MessageText.Part(value.start, open)), text) }
        } else {
            // Without brackets everything behind the first semicolon belongs to the header, not to the URI.
            uri.end = text.first(0x3B, in: value)
            parameters.start = uri.end
        }
        tag = text.parameter("tag", in: parameters)
        readURI(text.trimmed(uri), text)
    }

    /// The `<` that begins the URI: one inside the quoted display name does not count.
    private static func openingBracket(_ value: MessageText.Part, _ text: MessageText) -> Int? {
        var rest = value
        while true {
            let place = text.first(0x3C, or: 0x22, in: rest)
            guard place < value.end else { return nil }
            if text[place] == 0x3C { return place }
            rest.start = text.endOfQuoted(MessageText.Part(place + 1, value.end)) + 1
            // An unbalanced quote must not hide the URI.
            if rest.start > value.end { return text.last(0x3C, in: value) }
        }
    }

    private static func unquoted(_ part: MessageText.Part, _ text: MessageText) -> Bytes {
        guard part.end - part.start >= 2, text[part.start] == 0x22, text[part.end - 1] == 0x22 else {
            return text[part]
        }
        return text[MessageText.Part(part.start + 1, part.end - 1)]
    }

    /// `scheme:user:password@host:port;parameters?headers` (RFC 3261 section 19.1.1).
    private mutating func readURI(_ uri: MessageText.Part, _ text: MessageText) {
        let colon = text.first(0x3A, in: uri)
        guard colon < uri.end else { return }
        var rest = MessageText.Part(colon + 1, uri.end)
        if let at = text.last(0x40, in: rest) {
            let credentials = MessageText.Part(rest.start, at)
            user = text[MessageText.Part(rest.start, text.first(0x3A, in: credentials))]
            rest.start = at + 1
        }
        domain = text.host(rest)
    }
}

/// The username and the realm among comma-separated `name="value"`, as in Authorization (RFC 8760, RFC 2617).
struct Credentials {
    private(set) var username = Bytes.unknown
    private(set) var realm = Bytes.unknown

    init(_ value: MessageText.Part, in text: MessageText) {
        var rest = value
        while !rest.isEmpty, !username.isKnown || !realm.isKnown {
            while rest.start < rest.end, text[rest.start].isSpace || text[rest.start] == 0x2C { rest.start &+= 1 }
            var key = rest
            key.end = text.first(in: rest) { $0.isSpace .| ($0 .== Self.equals) .| ($0 .== Self.comma) }
            rest.start = key.end
            text.skipSpace(&rest)
            guard text.take(0x3D, &rest) else { continue }
            text.skipSpace(&rest)
            let value = Self.takeValue(&rest, text)
            if !username.isKnown, text[key].equals(lowercase: "username") {
                username = value
            } else if !realm.isKnown, text[key].equals(lowercase: "realm") {
                realm = value
            }
        }
    }

    private static var equals: MessageText.Piece { .init(repeating: 0x3D) }
    private static var comma: MessageText.Piece { .init(repeating: 0x2C) }

    private static func takeValue(_ rest: inout MessageText.Part, _ text: MessageText) -> Bytes {
        var value = rest
        guard text.take(0x22, &value) else {
            value.end = text.first(0x2C, in: rest)
            rest.start = value.end
            return text[text.trimmed(value)]
        }
        value.end = text.endOfQuoted(value)
        rest.start = min(value.end + 1, rest.end)
        return text[value]
    }
}

extension MessageText {
    /// The value of `;name=value`; unknown if it is not there.
    @inline(__always)
    func parameter(_ name: StaticString, in part: Part) -> Bytes {
        var rest = Part(first(0x3B, in: part), part.end)
        while rest.start < part.end {
            rest = Part(rest.start &+ 1, first(0x3B, in: Part(rest.start &+ 1, part.end)))
            let end = rest.end
            skipSpace(&rest)
            if begins(rest, name) {
                rest.start &+= name.utf8CodeUnitCount
                skipSpace(&rest)
                if take(0x3D, &rest) { return self[trimmed(rest)] }
            }
            rest.start = end
        }
        return .unknown
    }

    /// The host of `host:port;...` or `[v6]:port`, brackets kept away.
    @inline(__always)
    func host(_ part: Part) -> Bytes {
        if part.start < part.end, self[part.start] == 0x5B, case let close = first(0x5D, in: part), close < part.end {
            return self[Part(part.start &+ 1, close)]
        }
        return self[Part(part.start, first(in: part) { $0.endsHost })]
    }

    /// The quote that ends what is quoted from the part's beginning on; the part's end where there is none.
    @inline(__always)
    func endOfQuoted(_ part: Part) -> Int {
        var place = first(0x22, or: 0x5C, in: part)
        while place < part.end, self[place] == 0x5C {
            place = first(0x22, or: 0x5C, in: Part(min(place &+ 2, part.end), part.end))
        }
        return place
    }

    /// The last place of `byte` in the part.
    @inline(__always)
    func last(_ byte: UInt8, in part: Part) -> Int? {
        var (last, next) = (part.end, first(byte, in: part))
        while next < part.end { (last, next) = (next, first(byte, in: Part(next &+ 1, part.end))) }
        return last < part.end ? last : nil
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The decimal number at the beginning, at most nine digits.
    var leadingInteger: Int? {
        var (number, digits) = (0, 0)
        while digits < count, self[digits].isDigit, digits < 10 {
            number = number &* 10 &+ Int(self[digits] &- 0x30)
            digits &+= 1
        }
        return digits > 0 && digits < 10 ? number : nil
    }
}

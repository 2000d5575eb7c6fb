/// Takes a From or To value apart: `"display" <sip:user@domain>;tag=...` or `sip:user@domain;tag=...`
/// (RFC 3261 section 20.10).
struct NameAddress {
    /// The facts that its parts are.
    struct Fields {
        let display: Field?
        let user, domain, tag: Field

        static var from: Self { Self(display: .fromDisplay, user: .fromUser, domain: .fromDomain, tag: .fromTag) }
        static var to: Self { Self(display: nil, user: .toUser, domain: .toDomain, tag: .toTag) }
    }

    private let value: MessageText.Part
    private let text: MessageText
    private let fields: Fields

    @inline(never)
    static func read(
        _ value: MessageText.Part, in text: MessageText, as fields: Fields, into facts: inout RequestFacts
    ) {
        let parameters =
            readUsual(value, text, fields, into: &facts)
            ?? Self(value: value, text: text, fields: fields).readAny(into: &facts)
        facts.set(fields.tag, text.parameter(";tag=", in: MessageText.Part(parameters, value.end)))
    }

    /// As nearly everybody writes it, from the left to the right: `"display" <sip:user@host:port>` or without what stands before the
    /// bracket. Where the parameters begin; nil, with nothing taken over, where there is anything else.
    @inline(__always)
    private static func readUsual(
        _ value: MessageText.Part, _ text: MessageText, _ fields: Fields, into facts: inout RequestFacts
    ) -> Int? {
        guard value.start < value.end else { return nil }
        var (open, quote) = (value.start, value.start)
        if text[open] == 0x22 {
            quote = text.first(0x22, or: 0x5C, in: MessageText.Part(open &+ 1, value.end))
            guard quote < value.end, text[quote] == 0x22 else { return nil }
            open = quote &+ 1
            if open < value.end, text[open] == 0x20 { open &+= 1 }
        }
        guard text.begins(MessageText.Part(open, value.end), "<sip:") else { return nil }
        let user = open &+ 5
        let at = text.first(in: MessageText.Part(user, value.end)) { $0.endsUser }
        guard at < value.end, text[at] == 0x40 else { return nil }
        let domain = at &+ 1
        let end = text.first(in: MessageText.Part(domain, value.end)) { $0.endsHost .| ($0 .== Self.at) }
        guard end < value.end, text[domain] != 0x5B else { return nil }
        // A second at sign would have been the one that counts.
        let close = text[end] == 0x3E ? end : text.first(0x3E, or: 0x40, in: MessageText.Part(end, value.end))
        guard close < value.end, text[close] == 0x3E else { return nil }
        if quote > value.start, let display = fields.display {
            facts.set(display, text[MessageText.Part(value.start &+ 1, quote)])
        }
        facts.set(fields.user, text[MessageText.Part(user, at)])
        facts.set(fields.domain, text[MessageText.Part(domain, end)])
        return close &+ 1
    }

    private static var at: MessageText.Piece { .init(repeating: 0x40) }

    /// The same for every other value.
    @inline(never)
    private func readAny(into facts: inout RequestFacts) -> Int {
        var (uri, parameters) = (value, value.start)
        if let open = openingBracket {
            uri = MessageText.Part(open + 1, value.end)
            uri.end = text.first(0x3E, in: uri)
            parameters = min(uri.end + 1, value.end)
            if open > value.start, let display = fields.display {
                facts.set(display, unquoted(text.trimmed(MessageText.Part(value.start, open))))
            }
        } else {
            // Without brackets everything behind the first semicolon belongs to the header, not to the URI.
            uri.end = text.first(0x3B, in: value)
            parameters = uri.end
        }
        readURI(text.trimmed(uri), into: &facts)
        return parameters
    }

    /// The `<` that begins the URI: one inside the quoted display name does not count.
    private var openingBracket: Int? {
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

    private func unquoted(_ part: MessageText.Part) -> Bytes {
        guard part.end - part.start >= 2, text[part.start] == 0x22, text[part.end - 1] == 0x22 else {
            return text[part]
        }
        return text[MessageText.Part(part.start + 1, part.end - 1)]
    }

    /// `scheme:user:password@host:port;parameters?headers` (RFC 3261 section 19.1.1).
    private func readURI(_ uri: MessageText.Part, into facts: inout RequestFacts) {
        let colon = text.first(0x3A, in: uri)
        guard colon < uri.end else { return }
        var rest = MessageText.Part(colon + 1, uri.end)
        if let at = text.last(0x40, in: rest) {
            let credentials = MessageText.Part(rest.start, at)
            facts.set(fields.user, text[MessageText.Part(rest.start, text.first(0x3A, in: credentials))])
            rest.start = at + 1
        }
        facts.set(fields.domain, text.host(rest))
    }
}

/// The username and the realm among comma-separated `name="value"`, as in Authorization (RFC 8760, RFC 2617).
struct Credentials {
    private var username = Bytes.unknown
    private var realm = Bytes.unknown

    @inline(never)
    static func read(_ value: MessageText.Part, in text: MessageText, into facts: inout RequestFacts) {
        let credentials = Self(value, in: text)
        facts.set(.authUser, credentials.username)
        facts.set(.authRealm, credentials.realm)
    }

    private init(_ value: MessageText.Part, in text: MessageText) {
        var rest = value
        if text.begins(value, #"digest username=""#) {
            // As nearly everybody begins.
            rest.start &+= 16
            username = Self.takeValue(&rest, text)
            if text.begins(rest, #", realm=""#) {
                rest.start &+= 8
                realm = Self.takeValue(&rest, text)
            }
        }
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
    /// The value of a parameter, named as in `;name=`; unknown if it is not there.
    @inline(__always)
    func parameter(_ written: StaticString, in part: Part) -> Bytes {
        // As nearly everybody writes it, and the first one.
        if begins(part, written) { return parameterValue(Part(part.start &+ written.utf8CodeUnitCount, part.end)) }
        return part.isEmpty ? .unknown : laterParameter(written, in: part)
    }

    @inline(never)
    private func parameterValue(_ part: Part) -> Bytes {
        self[trimmed(Part(part.start, first(0x3B, in: part)))]
    }

    @inline(never)
    private func laterParameter(_ written: StaticString, in part: Part) -> Bytes {
        let name = Bytes(start: written.utf8Start + 1, count: written.utf8CodeUnitCount - 2)
        var rest = Part(first(0x3B, in: part), part.end)
        while rest.start < part.end {
            rest = Part(rest.start &+ 1, first(0x3B, in: Part(rest.start &+ 1, part.end)))
            let end = rest.end
            skipSpace(&rest)
            if self[rest].hasPrefix(lowercase: name) {
                rest.start &+= name.count
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

/// A From, To or Contact value taken apart: `"display" <sip:user@domain>;tag=...` or `sip:user@domain;tag=...`
/// (RFC 3261 section 20.10).
struct NameAddress {
    private(set) var display = Bytes.unknown
    private(set) var user = Bytes.unknown
    private(set) var domain = Bytes.unknown
    private(set) var tag = Bytes.unknown

    init(_ value: Bytes) {
        guard let open = Self.openingBracket(value) else {
            // Without brackets everything behind the first semicolon belongs to the header, not to the URI.
            let end = value.index(of: 0x3B) ?? value.count
            readURI(value.part(0, end).trimmed)
            tag = Parameters.value("tag", in: value.part(end, value.count))
            return
        }
        let close = value.index(of: 0x3E, from: open) ?? value.count
        if open > 0 { display = Self.unquoted(value.part(0, open).trimmed) }
        readURI(value.part(open + 1, close).trimmed)
        tag = Parameters.value("tag", in: value.part(min(close + 1, value.count), value.count))
    }

    /// The `<` that begins the URI: one inside the quoted display name does not count.
    private static func openingBracket(_ value: Bytes) -> Int? {
        var isQuoted = false
        var index = 0
        while index < value.count {
            switch value[index] {
            case 0x5C where isQuoted: index += 1
            case 0x22: isQuoted.toggle()
            case 0x3C where !isQuoted: return index
            default: break
            }
            index += 1
        }
        // An unbalanced quote must not hide the URI.
        return isQuoted ? value.lastIndex(of: 0x3C) : nil
    }

    private static func unquoted(_ text: Bytes) -> Bytes {
        guard text.count >= 2, text[0] == 0x22, text[text.count - 1] == 0x22 else { return text }
        return text.part(1, text.count - 1)
    }

    /// `scheme:user:password@host:port;parameters?headers` (RFC 3261 section 19.1.1).
    private mutating func readURI(_ uri: Bytes) {
        guard let colon = uri.index(of: 0x3A) else { return }
        let rest = uri.part(colon + 1, uri.count)
        guard let at = rest.lastIndex(of: 0x40) else {
            domain = rest.host
            return
        }
        let credentials = rest.part(0, at)
        user = credentials.part(0, credentials.index(of: 0x3A) ?? at)
        domain = rest.part(at + 1, rest.count).host
    }
}

/// Parameters of a header: `;name=value` and `name="value"`.
enum Parameters {
    /// The value of `;name=value`; unknown if it is not there.
    static func value(_ name: StaticString, in text: Bytes) -> Bytes {
        var index = 0
        while let semicolon = text.index(of: 0x3B, from: index) {
            let end = text.index(of: 0x3B, from: semicolon + 1) ?? text.count
            let parameter = text.part(semicolon + 1, end)
            if let equals = parameter.index(of: 0x3D), parameter.part(0, equals).trimmed.equals(lowercase: name) {
                return parameter.part(equals + 1, parameter.count).trimmed
            }
            index = end
        }
        return .unknown
    }

    /// The username and the realm among comma-separated `name="value"`, as in Authorization (RFC 8760, RFC 2617).
    static func credentials(in text: Bytes) -> (username: Bytes, realm: Bytes) {
        var (username, realm) = (Bytes.unknown, Bytes.unknown)
        var index = 0
        while index < text.count, !username.isKnown || !realm.isKnown {
            while index < text.count, text[index].isSpace || text[index] == 0x2C { index += 1 }
            let start = index
            while index < text.count, text[index] != 0x3D, text[index] != 0x2C, !text[index].isSpace { index += 1 }
            let key = text.part(start, index)
            while index < text.count, text[index].isSpace { index += 1 }
            guard index < text.count, text[index] == 0x3D else { continue }
            index += 1
            while index < text.count, text[index].isSpace { index += 1 }
            let value = takeValue(text, &index)
            if !username.isKnown, key.equals(lowercase: "username") {
                username = value
            } else if !realm.isKnown, key.equals(lowercase: "realm") {
                realm = value
            }
        }
        return (username, realm)
    }

    private static func takeValue(_ text: Bytes, _ index: inout Int) -> Bytes {
        guard index < text.count, text[index] == 0x22 else {
            let start = index
            while index < text.count, text[index] != 0x2C { index += 1 }
            return text.part(start, index).trimmed
        }
        index += 1
        let start = index
        while index < text.count, text[index] != 0x22 { index += text[index] == 0x5C ? 2 : 1 }
        let value = text.part(start, min(index, text.count))
        index += 1
        return value
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The host of `host:port;...` or `[v6]:port`, brackets kept away.
    var host: Bytes {
        if first == 0x5B, let close = index(of: 0x5D) { return part(1, close) }
        var end = 0
        while end < count, !self[end].endsHost { end += 1 }
        return part(0, end)
    }

    /// The decimal number at the beginning, at most nine digits.
    var leadingInteger: Int? {
        var (number, digits) = (0, 0)
        while digits < count, self[digits].isDigit, digits < 10 {
            number = number * 10 + Int(self[digits] - 0x30)
            digits += 1
        }
        return digits > 0 && digits < 10 ? number : nil
    }
}

extension UInt8 {
    /// `:`, `;`, `?`, `>` or white space, as bits of one number.
    fileprivate var endsHost: Bool { self < 64 && 0xCC00_0001_0000_2600 as UInt64 >> UInt64(self) & 1 != 0 }
}

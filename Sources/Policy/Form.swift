/// A structural mark that takes more than one look at one value: named in the policy, written here.
public enum Form: String, CaseIterable, Sendable {
    /// SIPVicious' From tag: hex of `payload 0x01 decimal`, where the payload is the target's address and port (svmap).
    case sipviciousTargetTag = "sipvicious_target_tag"
    /// The same with the extension that svwar tries.
    case sipviciousUserTag = "sipvicious_user_tag"
    /// The same with `user:password`, as svcrack sends it. The password is looked at in place and goes nowhere.
    case sipviciousPasswordTag = "sipvicious_password_tag"
    /// An address literal that no packet from another host can truly carry in its Via: 127.0.0.0/8, 0.0.0.0, ::1.
    case loopbackHost = "loopback_host"
    /// An IPv4 or IPv6 literal where phones of a registrar use its domain name.
    case addressLiteral = "address_literal"
    /// A URI without angle brackets (allowed by RFC 3261 section 20.10, done by few phones).
    case bareURI = "bare_uri"
    /// A quote together with an SQL word or operator. A quote alone is a name such as O'Brien.
    case sqlInjection = "sql_injection"
    /// The same in the user part of a URI, whose parameters are full of operators.
    case sqlInURIUser = "sql_in_uri_user"

    /// Whether only a value with a quote in it can have this form.
    var needsQuote: Bool { self == .sqlInjection || self == .sqlInURIUser }

    /// The length of the shortest value of this form.
    var leastLength: Int {
        switch self {
        case .sipviciousTargetTag, .sipviciousUserTag, .sipviciousPasswordTag: SIPViciousTag.leastLength
        case .loopbackHost, .addressLiteral: 2
        case .bareURI: 4
        case .sqlInjection, .sqlInURIUser: 1
        }
    }

    /// Whether a value of this form may begin with this byte.
    func mayBegin(with byte: UInt8) -> Bool {
        switch self {
        case .sipviciousTargetTag, .sipviciousUserTag, .sipviciousPasswordTag: byte.hexValue != nil
        case .loopbackHost: byte == 0x30 || byte == 0x31 || byte == 0x3A || byte == 0x5B
        case .addressLiteral: byte.hexValue != nil || byte == 0x3A || byte == 0x5B
        case .bareURI: byte.lowercased == 0x73
        case .sqlInjection, .sqlInURIUser: true
        }
    }

    /// Whether the field's value has this form. `facts` gives the values that it is compared with.
    func matches(_ value: Bytes, in facts: Texts) -> Bool {
        switch self {
        case .sipviciousTargetTag:
            SIPViciousTag(value)?.isTarget ?? false
        case .sipviciousUserTag:
            SIPViciousTag(value).map { !$0.isTarget && $0.payloadEquals(facts[.fromUser], facts[.toUser]) } ?? false
        case .sipviciousPasswordTag:
            SIPViciousTag(value)?.hasPassword(of: facts[.fromUser]) ?? false
        case .loopbackHost: Self.isLoopback(value)
        case .addressLiteral: IPAddress(bytes: value) != nil
        case .bareURI: Self.isBareURI(value)
        case .sqlInjection: Self.isInjection(value)
        case .sqlInURIUser: Self.isInjection(Self.uriUser(value))
        }
    }

    private static func isLoopback(_ value: Bytes) -> Bool {
        // 127.0.0.1, 0.0.0.0, ::1 and [::1], and what is mapped into IPv6.
        guard let first = value.first else { return false }
        if first == 0x31, value.count < 4 || value[1] != 0x32 || value[2] != 0x37 { return false }
        guard let address = IPAddress(bytes: value) else { return false }
        if address.isV4 { return address.value >> 24 & 0xFF == 127 || address.value & 0xFFFF_FFFF == 0 }
        return address.value <= 1
    }

    private static func isBareURI(_ value: Bytes) -> Bool {
        (value.hasPrefix(lowercase: "sip:") || value.hasPrefix(lowercase: "sips:")) && value.index(of: 0x3C) == nil
    }

    /// What stands between the scheme and the first `@` of a URI, be it in angle brackets or bare.
    private static func uriUser(_ value: Bytes) -> Bytes {
        let start = value.index(of: 0x3C) ?? 0
        guard let colon = value.index(of: 0x3A, from: start), let at = value.index(of: 0x40, from: colon) else {
            return .unknown
        }
        return value.part(colon + 1, at)
    }

    private static func isInjection(_ value: Bytes) -> Bool {
        guard hasQuote(value) else { return false }
        return value.contains(lowercase: "--") || value.contains(lowercase: "=") || value.contains(lowercase: "%3d")
            || value.contains(lowercase: "/*") || value.contains(lowercase: ";")
            || value.contains(lowercase: "%3b") || value.contains(lowercase: "%2d%2d")
            || value.contains(lowercase: " or ") || value.contains(lowercase: " and ")
            || value.contains(lowercase: "%20or%20") || value.contains(lowercase: "%20and%20")
            || value.contains(lowercase: "union") || value.contains(lowercase: "select")
            || value.contains(lowercase: "sleep(")
    }

    private static func hasQuote(_ value: Bytes) -> Bool {
        for index in 0..<value.count {
            switch value[index] {
            case 0x27, 0x22, 0x60: return true
            case 0x25 where isEscapedQuote(value.part(index + 1, min(index + 3, value.count))): return true
            default: continue
            }
        }
        return false
    }

    /// `27`, `22` or `60` behind a percent sign.
    private static func isEscapedQuote(_ digits: Bytes) -> Bool {
        guard digits.count == 2 else { return false }
        return switch (digits[0], digits[1]) {
        case (0x32, 0x37), (0x32, 0x32), (0x36, 0x30): true
        default: false
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    @inline(__always)
    func hasPrefix(lowercase prefix: StaticString) -> Bool {
        guard let start = baseAddress, count >= prefix.utf8CodeUnitCount else { return prefix.utf8CodeUnitCount == 0 }
        return Self.same(start, lowercase: prefix.utf8Start, prefix.utf8CodeUnitCount)
    }
}

/// SIPVicious' From tag, decoded in place: pairs of hex digits for a payload, a byte 01 and a decimal number of five to
/// ten digits. Random hex tags of phones have this form with a chance of about 4 in 10^10.
struct SIPViciousTag {
    private let hex: Bytes
    private let payloadCount: Int

    /// Two digits each for a payload of at least one byte, the byte 01 and five digits.
    static let leastLength = 14

    init?(_ tag: Bytes) {
        guard tag.count >= Self.leastLength, tag.count.isMultiple(of: 2), tag.count <= 512 else { return nil }
        hex = tag
        var digits = 0
        var index = tag.count / 2 - 1
        while index > 0, let byte = Self.byte(tag, index), byte.isDigit {
            (digits, index) = (digits + 1, index - 1)
        }
        guard (5...10).contains(digits), index > 0, Self.byte(tag, index) == 0x01 else { return nil }
        payloadCount = index
        for position in 0..<index {
            guard let byte = Self.byte(tag, position), byte >= 0x20, byte < 0x7F else { return nil }
        }
    }

    private static func byte(_ tag: Bytes, _ index: Int) -> UInt8? {
        guard let high = tag[2 * index].hexValue, let low = tag[2 * index + 1].hexValue else { return nil }
        return high << 4 | low
    }

    private func payload(_ index: Int) -> UInt8 { Self.byte(hex, index) ?? 0 }

    /// Eight hex digits of an IPv4 address and four of a port.
    var isTarget: Bool { payloadCount == 12 && (0..<12).allSatisfy { payload($0).hexValue != nil } }

    /// Whether the payload is one of the values; any payload will do where neither is known.
    func payloadEquals(_ first: Bytes, _ second: Bytes) -> Bool {
        if !first.isKnown, !second.isKnown { return true }
        return begins(with: first, count: payloadCount) || begins(with: second, count: payloadCount)
    }

    /// Whether the payload is `user:` and more.
    func hasPassword(of user: Bytes) -> Bool {
        guard user.isKnown else { return (0..<payloadCount).contains { payload($0) == 0x3A } }
        guard payloadCount > user.count, payload(user.count) == 0x3A else { return false }
        return begins(with: user, count: user.count)
    }

    private func begins(with value: Bytes, count: Int) -> Bool {
        value.isKnown && value.count == count && (0..<count).allSatisfy { payload($0) == value[$0] }
    }
}

/// What stands in front of an international number where people dial it.
public struct DiallingPlan: Hashable, Sendable {
    /// One such prefix, at most eight characters in one word.
    private struct Code: Hashable, Sendable {
        let word: UInt64
        let count: Int

        init(_ text: Bytes) {
            word = text.reduce(0) { $0 << 8 | UInt64($1) }
            count = text.count
        }
    }

    /// The longest first.
    private let codes: [Code]
    private let takesPlus: Bool

    /// - Parameter international: prefixes of one to eight characters, such as `+`, `00` and `9011`.
    public init(international: [String]) {
        takesPlus = international.contains("+")
        codes = international.filter { $0 != "+" }.map { Array($0.utf8).withUnsafeBufferPointer { Code($0) } }.filter {
            1...8 ~= $0.count
        }
        .sorted { $0.count > $1.count }
    }

    /// What is dialled in most of the world, and what is tried to get out through a private exchange.
    public static let common = DiallingPlan(international: ["+", "00", "011", "9011", "900", "000"])

    /// The number behind its international prefix, country code first; nil where it has none.
    func international(_ number: DialledNumber) -> Bytes? {
        if number.hasPlus { return takesPlus ? Self.withCountry(number.text) : nil }
        return international(number.text)
    }

    private func international(_ number: Bytes) -> Bytes? {
        for code in codes where number.count > code.count {
            guard Code(number.part(0, code.count)) == code else { continue }
            return Self.withCountry(number.part(code.count, number.count))
        }
        return nil
    }

    /// No country code begins with 0.
    private static func withCountry(_ number: Bytes) -> Bytes? {
        guard let first = number.first, first.isDigit, first != 0x30 else { return nil }
        return number
    }
}

/// A number that a request dials: digits, `*` and `#`, perhaps behind a `+`.
struct DialledNumber {
    /// Without the plus.
    let text: Bytes
    let hasPlus: Bool

    /// The user part of a URI, or a user part by itself; nil where that is no number.
    init?(_ value: Bytes) {
        let start = Self.userPart(of: value)
        guard start < value.count, Self.mayBegin(with: value[start]) else { return nil }
        // The plus may be escaped (RFC 3261 section 19.1.2).
        let isEscaped = value[start] == 0x25 && value.part(start, value.count).hasPrefix(lowercase: "%2b")
        let plus = value[start] == 0x2B ? 1 : isEscaped ? 3 : 0
        var end = start + plus
        while end < value.count, Self.isInNumber(value[end]) { end &+= 1 }
        // The domain or parameters may follow.
        guard end == value.count || value[end] == 0x40 || value[end] == 0x3B else { return nil }
        (text, hasPlus) = (value.part(start + plus, end), plus > 0)
        guard text.count >= 5, text.count <= 64 else { return nil }
    }

    /// Where it begins: behind the scheme, if there is one.
    private static func userPart(of value: Bytes) -> Int {
        if value.count >= 4, value[0] == 0x73, value[1] == 0x69, value[2] == 0x70, value[3] == 0x3A { return 4 }
        return value.index(of: 0x3A).map { $0 + 1 } ?? 0
    }

    /// What most Request-URIs, which name a host or a person, tell at once.
    private static func mayBegin(with byte: UInt8) -> Bool {
        isInNumber(byte) || byte == 0x2B || byte == 0x25
    }

    private static func isInNumber(_ byte: UInt8) -> Bool { byte.isDigit || byte == 0x2A || byte == 0x23 }

    /// Country code and what follows; nil for a number within the country or the house.
    func international(_ plan: DiallingPlan) -> Bytes? { plan.international(self) }

    /// The last eight digits, which stay the same whatever is tried in front of them; nil for a short number.
    var tail: Bytes? {
        guard text.count >= 8 else { return nil }
        let tail = text.part(text.count - 8, text.count)
        for byte in tail where !byte.isDigit { return nil }
        return tail
    }

    /// What stands in front of the tail. The usual ways to write an international number are one and the same.
    var lead: Bytes {
        let lead = text.part(0, max(0, text.count - 8))
        if hasPlus { return lead }
        if lead.hasPrefix(lowercase: "00"), !lead.hasPrefix(lowercase: "000") { return lead.part(2, lead.count) }
        if lead.hasPrefix(lowercase: "011") { return lead.part(3, lead.count) }
        return lead
    }
}

/// Country codes of international numbers.
enum CountryCode {
    /// Those of two digits (ITU-T E.164, list of assigned country codes); besides 1 and 7 all others have three.
    private static let pairs: [ClosedRange<UInt8>] = [
        20...20, 27...27, 30...34, 36...36, 39...41, 43...49, 51...58, 60...66, 81...82, 84...84, 86...86, 90...95,
        98...98,
    ]

    /// The country code at the head of a number; nil where it is too short.
    static func of(_ number: Bytes) -> Bytes? {
        guard number.count > 3, number[0].isDigit, number[1].isDigit else { return nil }
        if number[0] == 0x31 || number[0] == 0x37 { return number.part(0, 1) }
        let pair = (number[0] - 0x30) * 10 + number[1] - 0x30
        for range in pairs where range.contains(pair) { return number.part(0, 2) }
        return number.part(0, 3)
    }
}

/// A point in time of a result: an RFC 3339 string in UTC.
public struct Timestamp: Equatable, Sendable {
    /// Seconds since 1970.
    public let seconds: Int

    public init(seconds: Int) { self.seconds = seconds }

    /// Reads `2025-11-21T06:59:32Z`, with or without a fraction or an offset (RFC 3339 section 5.6); nil for anything else.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        let marks: [(Int, Character)] = [(4, "-"), (7, "-"), (13, ":"), (16, ":")]
        guard bytes.count >= 20, marks.allSatisfy({ bytes[$0] == $1.asciiValue }), "Tt ".utf8.contains(bytes[10]),
            let year = Self.number(bytes, 0..<4), let month = Self.number(bytes, 5..<7), (1...12).contains(month),
            let day = Self.number(bytes, 8..<10), (1...31).contains(day), let hour = Self.number(bytes, 11..<13),
            let minute = Self.number(bytes, 14..<16), let second = Self.number(bytes, 17..<19),
            let offset = Self.offset(bytes[19...].drop { $0 == 0x2E || (0x30...0x39).contains($0) })
        else { return nil }
        seconds = ((Self.days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset
    }

    private static func number(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
        guard bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static func offset(_ zone: ArraySlice<UInt8>) -> Int? {
        let bytes = Array(zone)
        if bytes == [0x5A] || bytes == [0x7A] { return 0 }
        guard bytes.count == 6, bytes[3] == 0x3A, bytes[0] == 0x2B || bytes[0] == 0x2D,
            let hours = number(bytes, 1..<3), let minutes = number(bytes, 4..<6)
        else { return nil }
        return (hours * 60 + minutes) * 60 * (bytes[0] == 0x2D ? -1 : 1)
    }

    /// Days from 1970-01-01 in the Gregorian calendar, counted from March so that the leap day comes last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month < 3 ? year - 1 : year
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
    }
}

import Glibc
import Policy

/// Calendar time as recordings write it: RFC 3339 in UTC. An instant is microseconds since 1970 here.
enum RecordedTime {
    private static let form = Array("0000-00-00T00:00:00".utf8)

    /// `2026-11-21T11:22:33.123456Z`; the fraction may be shorter or missing.
    static func instant(_ text: String) -> Instant? {
        let bytes = Array(text.utf8)
        guard (form.count + 1...form.count + 8).contains(bytes.count), bytes.last == UInt8(ascii: "Z") else {
            return nil
        }
        for (byte, wanted) in zip(bytes, form) {
            guard wanted == UInt8(ascii: "0") ? byte.isDigit : byte == wanted else { return nil }
        }
        func number(_ start: Int, _ count: Int) -> Int32 {
            bytes[start..<(start + count)].reduce(0) { $0 * 10 + Int32($1 - 0x30) }
        }
        guard let microseconds = fraction(bytes[form.count..<(bytes.count - 1)]) else { return nil }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (number(0, 4) - 1900, number(5, 2) - 1, number(8, 2))
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (number(11, 2), number(14, 2), number(17, 2))
        return Instant(microseconds: Int64(timegm(&parts)) * 1_000_000 + microseconds)
    }

    /// `.123456` in microseconds.
    private static func fraction(_ text: ArraySlice<UInt8>) -> Int64? {
        guard let point = text.first else { return 0 }
        let digits = text.dropFirst()
        guard point == UInt8(ascii: "."), (1...6).contains(digits.count), digits.allSatisfy(\.isDigit) else {
            return nil
        }
        let scale = [1, 100_000, 10_000, 1_000, 100, 10, 1][digits.count]
        return Int64(digits.reduce(0) { $0 * 10 + Int($1 - 0x30) } * scale)
    }

    /// To the second.
    static func text(_ instant: Instant) -> String {
        var (time, parts) = (time_t(instant.microseconds / 1_000_000), tm())
        gmtime_r(&time, &parts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            strftime(text.baseAddress!, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
            return String(cString: text.baseAddress!)
        }
    }
}

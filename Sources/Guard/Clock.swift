import Glibc
import Policy

/// The machine's clocks: one that never goes back to decide with, and the calendar to tell people.
public enum Clock {
    /// Microseconds since the machine started (CLOCK_MONOTONIC), read once for each request.
    ///
    /// CLOCK_MONOTONIC_COARSE would take 12 ns instead of 40 and go in steps of 4 ms (measured with Linux 6.18): the lines of the
    /// decision log stand in the order of these times.
    public static var now: Instant { Instant(microseconds: read(CLOCK_MONOTONIC)) }

    /// Microseconds since 1970 in UTC.
    public static var wallMicroseconds: Int64 { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    /// The calendar time of an instant, in seconds since 1970.
    public static func wallSeconds(of instant: Instant) -> Int64 { Calendar().seconds(of: instant) }

    /// The instant of a calendar time; times beyond some thirty thousand years are as good as those.
    public static func instant(ofWallSeconds seconds: Int64) -> Instant { Calendar().instant(ofSeconds: seconds) }

    /// How far apart the two clocks are, read once for many times.
    struct Calendar {
        private let distance = Clock.wallMicroseconds - Clock.now.microseconds

        func seconds(of instant: Instant) -> Int64 { (instant.microseconds + distance) / 1_000_000 }

        /// For times that were whole seconds: their distance to the other clock is not read at the same moment again.
        func nearestSecond(of instant: Instant) -> Int64 {
            seconds(of: Instant(microseconds: instant.microseconds + 500_000))
        }

        func instant(ofSeconds seconds: Int64) -> Instant {
            Instant(microseconds: min(max(seconds, -1_000_000_000_000), 1_000_000_000_000) * 1_000_000 - distance)
        }
    }

    /// An instant as RFC 3339 in UTC, to the second.
    public static func text(of instant: Instant) -> String { text(ofWallSeconds: wallSeconds(of: instant)) }

    static func text(ofWallSeconds seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        func padded(_ number: Int32, _ width: Int = 2) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))T"
            + "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))Z"
    }
}

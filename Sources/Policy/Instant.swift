/// A point in time on a clock that never goes back, in microseconds since an epoch that the caller chooses.
///
/// The engine owns no clock: every question brings its own `now`, so a capture can be decided in packet time.
public struct Instant: Hashable, Comparable, Sendable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Before every other instant: "never" for what has not happened.
    public static let never = Instant(microseconds: .min / 2)

    public static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

    public static func + (left: Self, right: Duration) -> Self {
        Self(microseconds: left.microseconds &+ right.microseconds)
    }

    public static func - (left: Self, right: Self) -> Duration {
        // As `.microseconds` makes it, without its check for an overflow that 64 bits cannot bring about.
        let product = (left.microseconds &- right.microseconds).multipliedFullWidth(by: 1_000_000_000_000)
        return Duration(attoseconds: Int128(product.high) << 64 | Int128(product.low))
    }
}

extension Duration {
    /// Whole microseconds, saturating at about 290,000 years.
    public var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return seconds < 0 ? .min / 4 : .max / 4 }
        return scaled + attoseconds / 1_000_000_000_000
    }

    /// Seconds rounded up, for `Retry-After` (RFC 3261 section 20.33).
    public var secondsRoundedUp: Int { Int((microseconds + 999_999) / 1_000_000) }
}

/// An exact rate limit: the Generic Cell Rate Algorithm (ITU-T I.371, also known as a leaky bucket as a meter).
///
/// Vocabulary: the *emission interval* T is the time that one event takes up, `per / events`; the *theoretical arrival
/// time* (TAT) is when the events so far would have arrived had they been evenly spaced; an event *conforms* if it comes
/// no more than `burst - 1` intervals before the TAT. From rest exactly `burst` events conform at once, then one for each T;
/// in any span of length `per` at most `burst + events` conform. An event that does not conform takes up nothing.
public struct RateLimit: Hashable, Sendable {
    public let events: Int
    public let per: Duration
    public let burst: Int
    /// T, in microseconds, at least 1.
    @usableFromInline let interval: Int64

    /// `events` in each `per`, of which `burst` (default: all of them) may come at once.
    public init(events: Int, per: Duration, burst: Int? = nil) {
        (self.events, self.per, self.burst) = (max(1, events), per, max(1, burst ?? events))
        interval = max(1, per.microseconds / Int64(self.events))
    }

    private init(events: Int, per: Duration, burst: Int, interval: Int64) {
        (self.events, self.per, self.burst, self.interval) = (events, per, burst, interval)
    }

    /// The same limit, `factor` times as generous in rate and burst. An event then takes up that much less time, so what was
    /// counted under another factor keeps its meaning.
    public func relaxed(by factor: Int) -> RateLimit {
        RateLimit(
            events: events * factor, per: per, burst: burst * factor, interval: max(1, interval / Int64(factor)))
    }

    /// What became of an event.
    public enum Outcome: Hashable, Sendable {
        case conforms
        /// Over the limit; the next event conforms after this time.
        case exceeds(retryAfter: Duration)
    }

    /// Meters `count` events at once at the instant `now`: all of them conform or none does. An exceeding batch of more
    /// than one fills the limit up, since those requests did happen.
    @inlinable @inline(__always)
    public func take(_ arrival: inout Instant, count: Int = 1, now: Instant) -> Outcome {
        let start = max(arrival.microseconds, now.microseconds)
        let tolerance = Int64(burst - 1) * interval
        let last = start.addingReportingOverflow(Int64(count - 1) &* interval).partialValue
        guard last - now.microseconds > tolerance else {
            arrival = Instant(microseconds: last + interval)
            return .conforms
        }
        if count > 1 { arrival = Instant(microseconds: now.microseconds + tolerance + interval) }
        return .exceeds(retryAfter: .microseconds(arrival.microseconds - tolerance - now.microseconds))
    }
}

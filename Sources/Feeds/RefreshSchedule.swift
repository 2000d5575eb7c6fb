import Policy

/// When something that is looked up again and again is due: spread by chance, so that not everybody asks at the full hour, and
/// more and more rarely while it fails.
struct RefreshSchedule: Sendable {
    private(set) var next: Instant
    private var failures = 0

    /// The first wait after a failure; it doubles up to the usual interval.
    static let firstRetry = Duration.seconds(30)

    init(next: Instant) { self.next = next }

    func isDue(_ now: Instant) -> Bool { next <= now }

    /// - Parameter chance: 0 to 1; the wait is 90 to 110 % of the usual one.
    mutating func succeeded(_ now: Instant, every refresh: Duration, chance: Double) {
        failures = 0
        next = now + refresh * (0.9 + 0.2 * chance)
    }

    mutating func failed(_ now: Instant, every refresh: Duration, chance: Double) {
        let wait = min(refresh, Self.firstRetry * (1 << min(failures, 20)))
        failures += 1
        next = now + wait * (0.9 + 0.2 * chance)
    }
}

/// Counters and memories by key, bounded by whoever keeps them.
///
/// A full store forgets rather than fails: what it forgot conforms again and is new again.
public protocol CounterStore: AnyObject, Sendable {
    /// Whether it remembers any user as held.
    var holds: HoldMark { get }

    /// Meters events against a limit.
    func take(_ key: CounterKey, limit: RateLimit, count: Int, now: Instant) -> RateLimit.Outcome

    /// Remembers a key from now on for that long, and tells whether it was remembered before.
    func remember(_ key: CounterKey, for duration: Duration, now: Instant) -> Bool

    /// Whether the key is remembered at this instant.
    func remembers(_ key: CounterKey, now: Instant) -> Bool

    /// The theoretical arrival time that a counter holds, or until when a key is remembered, long ago where there is neither;
    /// nil where the store does not tell it.
    func arrival(of key: CounterKey) -> Instant?
}

extension CounterStore {
    public func arrival(of key: CounterKey) -> Instant? { nil }
}

/// Counters and memories by key, bounded by whoever keeps them.
///
/// A full store forgets rather than fails: what it forgot conforms again and is new again.
public protocol CounterStore: AnyObject, Sendable {
    /// Whether it remembers any user as held.
    var holds: HoldMark { get }

    /// Meters events against a limit.
    func take(_ key: CounterKey, limit: RateLimit, count: Int, now: Instant) -> RateLimit.Outcome

    /// The same for the counter that a limit keeps for a source alone.
    func take(
        _ rule: NameID, of source: HashedSource, limit: RateLimit, count: Int, now: Instant
    ) -> RateLimit.Outcome

    /// A source with the hash by which this store finds the counters that limits keep for it alone.
    func source(_ address: IPAddress) -> HashedSource

    /// Asks for the memory of such a counter, and does not wait for it.
    func expect(_ rule: NameID, of source: HashedSource)

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

    public func take(
        _ rule: NameID, of source: HashedSource, limit: RateLimit, count: Int, now: Instant
    ) -> RateLimit.Outcome {
        take(source.key(rule), limit: limit, count: count, now: now)
    }

    public func source(_ address: IPAddress) -> HashedSource { HashedSource(address: address, hash: 0) }

    public func expect(_ rule: NameID, of source: HashedSource) {}
}

/// A source and its hash under a key of the process, made once for all that a decision looks up of it.
public struct HashedSource: Sendable {
    public let address: IPAddress
    public let hash: UInt64

    public init(address: IPAddress, hash: UInt64) { (self.address, self.hash) = (address, hash) }

    /// The counter that a limit keeps for the source alone.
    public func key(_ rule: NameID) -> CounterKey {
        var key = CounterKey(rule: rule)
        key.address = address.value
        return key
    }
}

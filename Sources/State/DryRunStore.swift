import Policy

/// Answers as another store would, and counts nothing: for trying a request out.
public final class DryRunStore: CounterStore {
    private let table: CounterTable

    public var holds: HoldMark { table.holds }

    public init(_ table: CounterTable) { self.table = table }

    public func take(_ key: CounterKey, limit: RateLimit, count: Int, now: Instant) -> RateLimit.Outcome {
        table.peek(key, limit: limit, count: count, now: now)
    }

    public func remember(_ key: CounterKey, for duration: Duration, now: Instant) -> Bool {
        table.remembers(key, now: now)
    }

    public func arrival(of key: CounterKey) -> Instant? { table.arrival(of: key) }

    public func remembers(_ key: CounterKey, now: Instant) -> Bool { table.remembers(key, now: now) }
}

import Policy
import Synchronization

/// The records of all sources that are worth remembering, in a fixed amount of memory.
///
/// Each source has two sets of four places. A new source takes an empty place, else that of the least worthy record there:
/// sources seen once go before active ones, those before treated, trusted and banned ones, the longest silent first. So
/// millions of forged one-packet sources push out each other and nobody else. If all eight are worthier than a source
/// seen once, it is decided about with a passing record and forgotten, which is counted.
public final class SourceTable: Sendable {
    private let stripes: [Stripe]

    public struct Usage: Sendable {
        public var capacity = 0
        public var used = 0
        public var evictions: UInt64 = 0
        /// Requests whose source found no place.
        public var overflows: UInt64 = 0
    }

    private final class Stripe: Sendable {
        let sets: Mutex<Sets>
        init(setCount: Int) { sets = Mutex(Sets(count: setCount)) }
    }

    /// A table of at most `bytes`, at least one set for each stripe.
    public init(bytes: Int, stripes count: Int = 256) {
        let sets = max(1, bytes / (MemoryLayout<SourceRecord?>.stride * Sets.places) / count)
        stripes = (0..<count).map { _ in Stripe(setCount: sets) }
    }

    public var usage: Usage {
        stripes.reduce(into: Usage()) { usage, stripe in
            stripe.sets.withLock {
                usage.capacity += $0.count * Sets.places
                usage.used += $0.used
                usage.evictions += $0.evictions
                usage.overflows += $0.overflows
            }
        }
    }

    /// Gives exclusive access to a source's record, made if need be.
    public func withRecord<Result>(
        of address: IPAddress, trust: Trust, now: Instant, _ body: (inout SourceRecord) -> Result
    ) -> Result {
        let hash = Self.hash(address)
        return stripe(hash).sets.withLock { sets in
            if let place = sets.find(address, hash) ?? sets.make(address, hash, trust, now) {
                return body(&place.pointee!)
            }
            var passing = SourceRecord(address: address, now: now)
            return body(&passing)
        }
    }

    /// A copy of a source's record.
    public func record(of address: IPAddress) -> SourceRecord? {
        let hash = Self.hash(address)
        return stripe(hash).sets.withLock { $0.find(address, hash)?.pointee }
    }

    /// Forgets a source; the record that it had.
    public func remove(_ address: IPAddress) -> SourceRecord? {
        let hash = Self.hash(address)
        return stripe(hash).sets.withLock { $0.remove(address, hash) }
    }

    /// Visits every record and collects what `body` makes of it; each stripe is held only while its own are visited.
    public func compactMap<Result: Sendable>(_ body: @Sendable (inout SourceRecord) -> Result?) -> [Result] {
        stripes.flatMap { stripe in stripe.sets.withLock { $0.compactMap(body) } }
    }

    private static func hash(_ address: IPAddress) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(address)
        return UInt64(truncatingIfNeeded: hasher.finalize())
    }

    private func stripe(_ hash: UInt64) -> Stripe { stripes[Int(hash >> 32) % stripes.count] }
}

/// The sets of one stripe.
private struct Sets: ~Copyable {
    static let places = 4
    typealias Place = UnsafeMutablePointer<SourceRecord?>

    let count: Int
    private(set) var used = 0
    private(set) var evictions: UInt64 = 0
    private(set) var overflows: UInt64 = 0
    private let records: Place

    init(count: Int) {
        self.count = count
        records = .allocate(capacity: count * Self.places, alignment: 64)
        records.initialize(repeating: nil, count: count * Self.places)
    }

    deinit { records.deallocate() }

    private func sets(_ hash: UInt64) -> (Place, Place) {
        let mixed = hash &* 0x9E37_79B9_7F4A_7C15
        let first = Int((mixed >> 40) % UInt64(count))
        let second = Int((mixed >> 12 & 0xFFF_FFFF) % UInt64(count))
        return (records + first * Self.places, records + second * Self.places)
    }

    func find(_ address: IPAddress, _ hash: UInt64) -> Place? {
        let (first, second) = sets(hash)
        for place in 0..<Self.places where first[place]?.address == address { return first + place }
        for place in 0..<Self.places where second[place]?.address == address { return second + place }
        return nil
    }

    /// A place for a new source, or nil where all that could make room are worthier.
    mutating func make(_ address: IPAddress, _ hash: UInt64, _ trust: Trust, _ now: Instant) -> Place? {
        let (first, second) = sets(hash)
        var choice: (place: Place, worth: Worth)?
        for index in 0..<2 * Self.places {
            let place = index < Self.places ? first + index : second + (index - Self.places)
            guard let record = place.pointee else {
                used += 1
                place.pointee = SourceRecord(address: address, now: now)
                return place
            }
            let worth = Worth(record, trust, now)
            if choice.map({ worth < $0.worth }) ?? true { choice = (place, worth) }
        }
        guard let choice, choice.worth.rank <= .active else {
            overflows += 1
            return nil
        }
        evictions += 1
        choice.place.pointee = SourceRecord(address: address, now: now)
        return choice.place
    }

    mutating func remove(_ address: IPAddress, _ hash: UInt64) -> SourceRecord? {
        guard let place = find(address, hash) else { return nil }
        defer { place.pointee = nil }
        used -= 1
        return place.pointee
    }

    func compactMap<Result>(_ body: (inout SourceRecord) -> Result?) -> [Result] {
        guard used > 0 else { return [] }
        var results: [Result] = []
        for index in 0..<count * Self.places where records[index] != nil {
            if let result = body(&records[index]!) { results.append(result) }
        }
        return results
    }
}

/// How much is lost when a record is forgotten.
private struct Worth: Comparable {
    enum Rank: Int, Comparable {
        case seenOnce, active, treated, trusted, banned
        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    let rank: Rank
    let lastSeen: Instant

    init(_ record: SourceRecord, _ trust: Trust, _ now: Instant) {
        lastSeen = record.lastSeen
        if record.isBanned(now) {
            rank = .banned
        } else if record.isTrusted(trust, now: now) {
            rank = .trusted
        } else if record.flood.isPresent, now - record.flood.lastMessage < .seconds(600) {
            rank = record.flood.messages > 1 ? .treated : .active
        } else {
            // A source that has been silent for long is worth no more than one that was never seen again.
            rank = record.requests > 1 && now - record.lastSeen < .seconds(600) ? .active : .seenOnce
        }
    }

    static func < (left: Self, right: Self) -> Bool {
        left.rank == right.rank ? left.lastSeen < right.lastSeen : left.rank < right.rank
    }
}

import CPlatform
import Policy

/// The records of all sources that are worth remembering, in a fixed amount of memory.
///
/// Each source has two sets of four places. A new source takes an empty place, else that of the least worthy record there:
/// sources seen once go before active ones, those before treated, trusted and banned ones, the longest silent first. So
/// millions of forged one-packet sources push out each other and nobody else. If all eight are worthier than a source
/// seen once, it is decided about with a passing record and forgotten, which is counted.
public final class SourceTable: Sendable {
    private let stripes: Stripes<Sets>
    private let places: Places
    private let key: SipHash.Key

    public struct Usage: Sendable {
        public var capacity = 0
        public var used = 0
        public var evictions: UInt64 = 0
        /// Requests whose source found no place.
        public var overflows: UInt64 = 0
    }

    /// A table of at most `bytes`, at least one set for each stripe.
    public init(bytes: Int, stripes count: Int = 256, key: SipHash.Key = SipHash.Key()) {
        self.key = key
        let sets = max(1, bytes / Sets.bytesOfSet / count)
        let memory = TableMemory(bytes: count * Sets.bytes(sets))
        stripes = Stripes(count) { Sets(count: sets, in: memory) }
        places = Places(start: memory.start, sets: sets)
    }

    public var usage: Usage {
        var usage = Usage()
        stripes.visit {
            usage.capacity += $0.count * Sets.places
            usage.used += $0.used
            usage.evictions += $0.evictions
            usage.overflows += $0.overflows
        }
        return usage
    }

    /// Gives exclusive access to a source's record, made if need be.
    @inlinable
    public func withRecord<Result>(
        of address: IPAddress, trust: Trust, now: Instant, _ body: (inout SourceRecord) -> Result
    ) -> Result {
        // Inlined where the result's type is known, and the result is moved: a decision's copy counts references.
        withUnsafeTemporaryAllocation(of: Result.self, capacity: 1) { result in
            withRecord(of: source(address), trust: trust, now: now) { result.initializeElement(at: 0, to: body(&$0)) }
            return result.moveElement(from: 0)
        }
    }

    /// The same for a source whose hash is known.
    public func withRecord(of source: HashedSource, trust: Trust, now: Instant, _ body: (inout SourceRecord) -> Void) {
        let (address, hash) = (source.address, source.hash)
        stripes.withPart(of: hash) { sets in
            if let place = sets.find(address, hash) ?? sets.make(address, hash, trust, now) {
                body(&place.pointee)
            } else {
                var passing = SourceRecord(address: address, now: now)
                body(&passing)
            }
        }
    }

    /// A source with its hash, which finds it in all tables that share this one's key.
    public func source(_ address: IPAddress) -> HashedSource { HashedSource(address: address, hash: hash(address)) }

    /// Asks for the memory where the source is looked for, and does not wait for it.
    public func expect(_ source: HashedSource) {
        stripes.expect(source.hash)
        places.expect(source.hash, stripe: stripes.index(of: source.hash))
    }

    /// The same for its record, which is found where that memory has come meanwhile.
    public func expectRecord(of source: HashedSource) {
        places.expectRecord(source.hash, stripe: stripes.index(of: source.hash))
    }

    /// A copy of a source's record.
    public func record(of address: IPAddress) -> SourceRecord? {
        let hash = hash(address)
        return stripes.withPart(of: hash) { $0.find(address, hash)?.pointee }
    }

    /// Forgets a source; the record that it had.
    public func remove(_ address: IPAddress) -> SourceRecord? {
        let hash = hash(address)
        return stripes.withPart(of: hash) { $0.remove(address, hash) }
    }

    /// Visits every record and collects what `body` makes of it; each stripe is held only while its own are visited.
    public func compactMap<Result: Sendable>(_ body: @Sendable (inout SourceRecord) -> Result?) -> [Result] {
        var results: [Result] = []
        stripes.visit { $0.compactMap(body, into: &results) }
        return results
    }

    @inline(__always)
    private func hash(_ address: IPAddress) -> UInt64 { key.hash(address.value) }
}

/// Where the fingerprints and records of all stripes are, which never changes; what is in them belongs to the holder of the
/// stripe's lock.
private struct Places: @unchecked Sendable {
    private let start: UnsafeRawPointer
    private let sets: Int
    /// From one stripe to the next, and from there to its fingerprints.
    private let (stripe, prints): (Int, Int)

    init(start: UnsafeMutableRawPointer, sets: Int) {
        (self.start, self.sets) = (UnsafeRawPointer(start), sets)
        (stripe, prints) = (Sets.bytes(sets), TableMemory.size(sets * Sets.places, of: SourceRecord.self))
    }

    @inline(__always)
    func expect(_ hash: UInt64, stripe number: Int) {
        let prints = prints(ofStripe: number)
        let (first, second) = twoPlaces(of: hash, count: sets)
        prefetch(prints + first &* Sets.places)
        prefetch(prints + second &* Sets.places)
    }

    /// Without the lock: whether it is the record, and still there, shows when that is held.
    @inline(__always)
    func expectRecord(_ hash: UInt64, stripe number: Int) {
        let prints = prints(ofStripe: number)
        let print = Sets.print(hash)
        let (first, second) = twoPlaces(of: hash, count: sets)
        for place in 0..<2 * Sets.places {
            let index = (place < Sets.places ? first : second) &* Sets.places &+ place & (Sets.places &- 1)
            guard peek(prints + index) == print else { continue }
            let records = start + number &* stripe
            Sets.expect(records + index &* MemoryLayout<SourceRecord>.stride)
        }
    }

    @inline(__always)
    private func prints(ofStripe number: Int) -> UnsafePointer<UInt32> {
        (start + (number &* stripe &+ prints)).assumingMemoryBound(to: UInt32.self)
    }
}

/// The sets of one stripe.
///
/// Beside the records stand their fingerprints, so that looking for a source touches the lines of two sets of fingerprints and
/// its own record, not eight records.
///
/// Sendable: it is reached through its stripe's lock.
private struct Sets: ~Copyable, @unchecked Sendable {
    static let places = 4
    typealias Place = UnsafeMutablePointer<SourceRecord>
    static var bytesOfSet: Int { places * (MemoryLayout<SourceRecord>.stride + MemoryLayout<UInt32>.stride) }

    // First what every look-up needs: on x86-64 it is in one cache line with the stripe's lock.
    let count: Int
    private let records: Place
    /// 0 for an empty place.
    private let prints: UnsafeMutablePointer<UInt32>
    private(set) var used = 0
    private(set) var evictions: UInt64 = 0
    private(set) var overflows: UInt64 = 0
    private let memory: TableMemory

    init(count: Int, in memory: TableMemory) {
        (self.count, self.memory) = (count, memory)
        records = memory.take(count * Self.places, of: SourceRecord.self)
        // Written to here, so that no page is new to the process when a request needs it.
        records.initialize(
            repeating: SourceRecord(address: IPAddress(value: 0), now: .never), count: count * Self.places)
        prints = memory.take(count * Self.places, of: UInt32.self)
        prints.initialize(repeating: 0, count: count * Self.places)
    }

    static func bytes(_ count: Int) -> Int {
        TableMemory.size(count * places, of: SourceRecord.self) + TableMemory.size(count * places, of: UInt32.self)
    }

    @inline(__always)
    static func print(_ hash: UInt64) -> UInt32 { max(1, UInt32(truncatingIfNeeded: hash)) }

    /// Of a source's two sets the numbers of the first places.
    @inline(__always)
    private func sets(_ hash: UInt64) -> (Int, Int) {
        let (first, second) = twoPlaces(of: hash, count: count)
        return (first * Self.places, second * Self.places)
    }

    @inline(__always)
    func find(_ address: IPAddress, _ hash: UInt64) -> Place? { index(of: address, hash).map { records + $0 } }

    @inline(__always)
    private func index(of address: IPAddress, _ hash: UInt64) -> Int? {
        let print = Self.print(hash)
        let (first, second) = sets(hash)
        // All eight are looked at, wherever it is: a branch for each would often be guessed wrongly.
        var found = matches(first, print) | matches(second, print) << 4
        while found != 0 {
            let slot = found.trailingZeroBitCount
            let place = (slot < Self.places ? first : second) &+ slot & 3
            // A decision needs all of it: its lines come together and not one after the other.
            Self.expect(UnsafeRawPointer(records + place))
            if records[place].address == address { return place }
            found &= found &- 1
        }
        return nil
    }

    /// The places of a set that have the fingerprint, one bit each.
    @inline(__always)
    private func matches(_ set: Int, _ print: UInt32) -> UInt32 {
        func bit(_ place: Int) -> UInt32 { prints[set &+ place] == print ? 1 << UInt32(place) : 0 }
        return bit(0) | bit(1) | bit(2) | bit(3)
    }

    /// Asks for all lines of a record.
    @inline(__always)
    static func expect(_ record: UnsafeRawPointer) {
        for offset in stride(from: 0, to: MemoryLayout<SourceRecord>.size, by: 64) { prefetch(record + offset) }
        // It may begin within one.
        prefetch(record + MemoryLayout<SourceRecord>.size - 1)
    }

    /// A place for a new source, or nil where all that could make room are worthier.
    mutating func make(_ address: IPAddress, _ hash: UInt64, _ trust: Trust, _ now: Instant) -> Place? {
        let (first, second) = sets(hash)
        if let place = empty(first, second) {
            used += 1
            return take(place, address, hash, now)
        }
        let choice = min(candidate(first, trust, now), candidate(second, trust, now))
        guard choice.worth.rank <= .active else {
            overflows += 1
            return nil
        }
        evictions += 1
        return take(choice.place, address, hash, now)
    }

    /// An empty place in the emptier of two sets.
    private func empty(_ first: Int, _ second: Int) -> Int? {
        func places(_ set: Int) -> Int { (set..<(set + Self.places)).count { prints[$0] == 0 } }
        let set = places(second) > places(first) ? second : first
        for place in set..<(set + Self.places) where prints[place] == 0 { return place }
        return nil
    }

    /// The least worthy record of a set.
    private func candidate(_ set: Int, _ trust: Trust, _ now: Instant) -> Candidate {
        var found = Candidate(place: set, worth: Worth(records[set], trust, now), neighbours: 0)
        for place in set..<(set + Self.places) {
            let worth = Worth(records[place], trust, now)
            if worth.rank > .seenOnce { found.neighbours += 1 }
            if worth < found.worth { (found.place, found.worth) = (place, worth) }
        }
        return found
    }

    private func take(_ place: Int, _ address: IPAddress, _ hash: UInt64, _ now: Instant) -> Place {
        prints[place] = Self.print(hash)
        records[place] = SourceRecord(address: address, now: now)
        return records + place
    }

    mutating func remove(_ address: IPAddress, _ hash: UInt64) -> SourceRecord? {
        guard let place = index(of: address, hash) else { return nil }
        prints[place] = 0
        used -= 1
        return records[place]
    }

    func compactMap<Result>(_ body: (inout SourceRecord) -> Result?, into results: inout [Result]) {
        guard used > 0 else { return }
        for place in 0..<count * Self.places where prints[place] != 0 {
            if let result = body(&records[place]) { results.append(result) }
        }
    }
}

/// The record that a set can do without.
private struct Candidate: Comparable {
    var place: Int
    var worth: Worth
    /// How many in its set are worth more than a source seen once.
    var neighbours: Int

    /// Among equals that of the set with fewer worthy ones goes, so that hardly ever all eight places of a source are taken by them.
    static func < (left: Self, right: Self) -> Bool {
        if left.worth.rank != right.worth.rank { return left.worth < right.worth }
        return (left.neighbours, left.worth.lastSeen) < (right.neighbours, right.worth.lastSeen)
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
        } else if record.flood.messages > 1, record.flood.isPresent, now - record.flood.lastMessage < .seconds(600) {
            rank = .treated
        } else {
            // One message is all that a forged source sends, whatever it looks like. And a source that has been silent for long is
            // worth no more than one that was never seen again.
            rank = record.requests > 1 && now - record.lastSeen < .seconds(600) ? .active : .seenOnce
        }
    }

    static func < (left: Self, right: Self) -> Bool {
        left.rank == right.rank ? left.lastSeen < right.lastSeen : left.rank < right.rank
    }
}

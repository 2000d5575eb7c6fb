import CPlatform
import Policy

/// Counters and memories by key in a fixed amount of memory: it never grows, so it never pauses.
///
/// A line holds four entries of 16 bytes, 64 bytes in all, and every key has two lines that it may stand in: at most eight
/// comparisons and two cache lines for a look-up. When both lines are full, the entry whose time is soonest over makes room;
/// one that is over already held nothing. Lines are guarded by stripes, and both lines of a key by the same one.
public final class CounterTable: CounterStore {
    public let holds = HoldMark()
    private let lines: Lines
    /// The locks; each guards its part of the lines and how many entries were forgotten there.
    private let stripes: Stripes<UInt64>
    private let key: SipHash.Key
    /// Counters for everything there is, such as the answer budget of all sources: few, and never forgotten.
    private let globals = Stripes<[NameID: Instant]>(1) { [:] }

    /// How full it is and what it had to forget.
    public struct Usage: Sendable {
        public var capacity = 0
        public var evictions: UInt64 = 0
    }

    /// A table of at most `bytes`, at least one line for each stripe.
    public init(bytes: Int, stripes count: Int = 256, key: SipHash.Key = SipHash.Key()) {
        self.key = key
        stripes = Stripes(count) { 0 }
        lines = Lines(stripes: stripes.count, each: max(1, bytes / Lines.lineBytes / stripes.count))
    }

    public var usage: Usage {
        var usage = Usage(capacity: lines.count * Lines.entriesPerLine)
        stripes.visit { usage.evictions += $0 }
        return usage
    }

    public func take(_ key: CounterKey, limit: RateLimit, count: Int, now: Instant) -> RateLimit.Outcome {
        if key.isGlobal {
            return globals.withPart(at: 0) { limit.take(&$0[key.rule, default: .never], count: count, now: now) }
        }
        return take(at: hash(key), limit, count, now)
    }

    public func take(
        _ rule: NameID, of source: HashedSource, limit: RateLimit, count: Int, now: Instant
    ) -> RateLimit.Outcome {
        // Such a key names a counter for everything.
        if source.address.value == 0 { return take(source.key(rule), limit: limit, count: count, now: now) }
        return take(at: Self.mix(source.hash, rule), limit, count, now)
    }

    public func expect(_ rule: NameID, of source: HashedSource) {
        let hash = Self.mix(source.hash, rule)
        stripes.expect(hash)
        lines.pair(hash, stripe: stripes.index(of: hash)).prefetch()
    }

    public func source(_ address: IPAddress) -> HashedSource {
        HashedSource(address: address, hash: key.hash(address.value))
    }

    @inline(__always)
    private func take(at hash: UInt64, _ limit: RateLimit, _ count: Int, _ now: Instant) -> RateLimit.Outcome {
        withEntry(at: hash, now: now) { entry in
            var arrival = Instant(microseconds: entry.until)
            let outcome = limit.take(&arrival, count: count, now: now)
            entry.until = arrival.microseconds
            return outcome
        }
    }

    public func remember(_ key: CounterKey, for duration: Duration, now: Instant) -> Bool {
        withEntry(at: hash(key), now: now) { entry in
            defer { entry.until = (now + duration).microseconds }
            return entry.until > now.microseconds
        }
    }

    public func remembers(_ key: CounterKey, now: Instant) -> Bool {
        until(of: key).map { $0 > now.microseconds } ?? false
    }

    /// What a limit would say, without counting.
    func peek(_ key: CounterKey, limit: RateLimit, count: Int, now: Instant) -> RateLimit.Outcome {
        if key.isGlobal {
            var arrival = globals.withPart(at: 0) { $0[key.rule] } ?? .never
            return limit.take(&arrival, count: count, now: now)
        }
        var arrival = Instant(microseconds: until(of: key) ?? now.microseconds)
        return limit.take(&arrival, count: count, now: now)
    }

    public func arrival(of key: CounterKey) -> Instant? {
        if key.isGlobal { return globals.withPart(at: 0) { $0[key.rule] } ?? .never }
        return until(of: key).map { Instant(microseconds: $0) } ?? .never
    }

    /// Forgets what the engine's own counters hold of a source, and what limits on sources do.
    public func forget(source: IPAddress, _ ruleset: Ruleset) {
        for key in Engine.counterKeys(of: source, ruleset) {
            let hash = hash(key)
            let pair = lines.pair(hash, stripe: stripes.index(of: hash))
            stripes.withPart(of: hash) { _ in pair.entry?.pointee.until = 0 }
        }
    }

    /// Gives exclusive access to the entry of a key's hash, made if need be.
    @inline(__always)
    private func withEntry<Result>(at hash: UInt64, now: Instant, _ body: (inout Lines.Entry) -> Result) -> Result {
        let pair = lines.pair(hash, stripe: stripes.index(of: hash))
        pair.prefetch()
        return stripes.withPart(of: hash) { evictions in
            body(&(pair.entry ?? pair.newEntry(now: now, evictions: &evictions)).pointee)
        }
    }

    /// What a key's entry holds, if it has one.
    private func until(of key: CounterKey) -> Int64? {
        let hash = hash(key)
        let pair = lines.pair(hash, stripe: stripes.index(of: hash))
        return stripes.withPart(of: hash) { _ in pair.entry?.pointee.until }
    }

    /// All parts of a key, lengths included, so that no two keys look alike.
    @inline(__always)
    private func hash(_ key: CounterKey) -> UInt64 {
        key.isPlain ? Self.mix(self.key.hash(key.address), key.rule) : longHash(key)
    }

    /// The hash for a rule's counter of a source. The source's is a secret of the process, and each step can be undone: no two
    /// sources meet under one rule unless their own hashes are the same.
    @inline(__always)
    private static func mix(_ hash: UInt64, _ rule: NameID) -> UInt64 {
        let mixed = (hash ^ UInt64(rule.rawValue) &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        return mixed ^ mixed >> 32
    }

    private func longHash(_ key: CounterKey) -> UInt64 {
        var hash = SipHash(self.key)
        hash.combine(UInt64(key.rule.rawValue))
        hash.combine(key.address)
        hash.combine(UnsafeRawBufferPointer(key.first))
        hash.combine(UnsafeRawBufferPointer(key.second))
        hash.combine(UnsafeRawBufferPointer(key.third))
        hash.combine((key.subject.isKnown ? 1 : 0) | (key.member.isKnown ? 2 : 0))
        if key.subject.isKnown { hash.combine(UnsafeRawBufferPointer(key.subject)) }
        if key.member.isKnown { hash.combine(UnsafeRawBufferPointer(key.member)) }
        return hash.finalize()
    }
}

extension CounterKey {
    /// Whether an address is all that is counted.
    fileprivate var isPlain: Bool {
        first.isEmpty && second.isEmpty && third.isEmpty && !subject.isKnown && !member.isKnown
    }
}

/// All lines, stripe after stripe. Where they are never changes; what is in them belongs to the holder of the stripe's lock.
private struct Lines: @unchecked Sendable {
    static let entriesPerLine = 4
    static let lineBytes = 64

    struct Entry {
        /// The key's fingerprint, an odd number; 0 for an empty entry.
        var tag: UInt64 = 0
        /// The theoretical arrival time, or until when it is remembered, in microseconds.
        var until: Int64 = 0
    }

    typealias Line = UnsafeMutablePointer<Entry>

    let count: Int
    private let perStripe: Int
    private let entries: Line
    private let memory: TableMemory

    init(stripes: Int, each: Int) {
        (count, perStripe) = (stripes * each, each)
        let all = count * Self.entriesPerLine
        memory = TableMemory(bytes: TableMemory.size(all, of: Entry.self))
        entries = memory.take(all, of: Entry.self)
        entries.initialize(repeating: Entry(), count: all)
    }

    /// The two lines of a hash.
    @inline(__always)
    func pair(_ hash: UInt64, stripe: Int) -> Pair {
        let start = entries + stripe &* perStripe &* Self.entriesPerLine
        let (first, second) = twoPlaces(of: hash, count: perStripe)
        return Pair(
            tag: hash | 1, first: start + first &* Self.entriesPerLine,
            second: start + second &* Self.entriesPerLine)
    }

    /// Where a key may stand.
    struct Pair {
        let tag: UInt64
        let first: Line
        let second: Line

        /// Asks for both lines, before the lock is waited for.
        @inline(__always)
        func prefetch() {
            CPlatform.prefetch(first)
            CPlatform.prefetch(second)
        }

        /// The key's entry, if it has one.
        ///
        /// All eight are looked at, wherever it is. A branch for each would often be guessed wrongly, and what the processor had begun
        /// of the work behind it, while it waits for memory, would be lost.
        var entry: Line? {
            let found = matches(first) | matches(second) << 4
            guard found != 0 else { return nil }
            let slot = found.trailingZeroBitCount
            return (slot < 4 ? first : second) + slot & 3
        }

        /// The entries of a line that have the tag, one bit each.
        @inline(__always)
        private func matches(_ line: Line) -> UInt32 {
            func bit(_ slot: Int) -> UInt32 { line[slot].tag == tag ? 1 << UInt32(slot) : 0 }
            return bit(0) | bit(1) | bit(2) | bit(3)
        }

        /// An entry for a key that has none; it takes the place of what is soonest over.
        @inline(never)
        func newEntry(now: Instant, evictions: inout UInt64) -> Line {
            var victim = first
            for slot in 0..<Lines.entriesPerLine {
                if first[slot].until < victim.pointee.until { victim = first + slot }
                if second[slot].until < victim.pointee.until { victim = second + slot }
            }
            if victim.pointee.until > now.microseconds { evictions += 1 }
            victim.pointee = Entry(tag: tag, until: now.microseconds)
            return victim
        }
    }
}

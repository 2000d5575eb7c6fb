import Policy
import Synchronization

/// Counters and memories by key in a fixed amount of memory: it never grows, so it never pauses.
///
/// A line holds four entries of 16 bytes, 64 bytes in all, and every key has two lines that it may stand in: at most eight
/// comparisons and two cache lines for a look-up. When both lines are full, the entry whose time is soonest over makes room;
/// one that is over already held nothing. Lines are guarded by stripes, and both lines of a key by the same one.
public final class CounterTable: CounterStore {
    public let holds = HoldMark()
    private let stripes: Stripes<Lines>
    private let key = SipHash.Key()
    /// Counters for everything there is, such as the answer budget of all sources: few, and never forgotten.
    private let globals = Mutex<[NameID: Instant]>([:])

    /// How full it is and what it had to forget.
    public struct Usage: Sendable {
        public var capacity = 0
        public var evictions: UInt64 = 0
    }

    /// A table of at most `bytes`, at least one line for each stripe.
    public init(bytes: Int, stripes count: Int = 256) {
        let lines = max(1, bytes / Lines.lineBytes / count)
        let memory = TableMemory(bytes: count * Lines.bytes(lines))
        stripes = Stripes(count) { Lines(count: lines, in: memory) }
    }

    public var usage: Usage {
        var usage = Usage()
        stripes.visit {
            usage.capacity += $0.count * Lines.entriesPerLine
            usage.evictions += $0.evictions
        }
        return usage
    }

    public func take(_ key: CounterKey, limit: RateLimit, count: Int, now: Instant) -> RateLimit.Outcome {
        if key.isGlobal {
            return globals.withLock { limit.take(&$0[key.rule, default: .never], count: count, now: now) }
        }
        let hash = hash(key)
        return stripes.withPart(of: hash) { lines in
            let entry = lines.entry(hash, now: now)
            var arrival = Instant(microseconds: entry.pointee.until)
            let outcome = limit.take(&arrival, count: count, now: now)
            entry.pointee.until = arrival.microseconds
            return outcome
        }
    }

    public func remember(_ key: CounterKey, for duration: Duration, now: Instant) -> Bool {
        let hash = hash(key)
        return stripes.withPart(of: hash) { lines in
            let entry = lines.entry(hash, now: now)
            defer { entry.pointee.until = (now + duration).microseconds }
            return entry.pointee.until > now.microseconds
        }
    }

    public func remembers(_ key: CounterKey, now: Instant) -> Bool {
        let hash = hash(key)
        return stripes.withPart(of: hash) { $0.find(hash).map { $0.pointee.until > now.microseconds } ?? false }
    }

    /// What a limit would say, without counting.
    func peek(_ key: CounterKey, limit: RateLimit, count: Int, now: Instant) -> RateLimit.Outcome {
        if key.isGlobal {
            var arrival = globals.withLock { $0[key.rule] } ?? .never
            return limit.take(&arrival, count: count, now: now)
        }
        let hash = hash(key)
        return stripes.withPart(of: hash) { lines in
            var arrival = Instant(microseconds: lines.find(hash)?.pointee.until ?? now.microseconds)
            return limit.take(&arrival, count: count, now: now)
        }
    }

    public func arrival(of key: CounterKey) -> Instant? {
        if key.isGlobal { return globals.withLock { $0[key.rule] } ?? .never }
        let hash = hash(key)
        return stripes.withPart(of: hash) { lines in
            lines.find(hash).map { Instant(microseconds: $0.pointee.until) } ?? .never
        }
    }

    /// Forgets what the engine's own counters hold of a source, and what limits on sources do.
    public func forget(source: IPAddress, _ ruleset: Ruleset) {
        for key in Engine.counterKeys(of: source, ruleset) {
            let hash = hash(key)
            stripes.withPart(of: hash) { $0.find(hash)?.pointee.until = 0 }
        }
    }

    /// All parts of a key, lengths included, so that no two keys look alike.
    private func hash(_ key: CounterKey) -> UInt64 {
        var hash = SipHash(self.key)
        hash.combine(UInt64(key.rule.rawValue))
        hash.combine(key.address)
        let kind: UInt64 = (key.subject.isKnown ? 1 : 0) | (key.member.isKnown ? 2 : 0)
        if key.first.isEmpty, key.second.isEmpty, key.third.isEmpty, kind == 0 { return hash.finalize() }
        hash.combine(UnsafeRawBufferPointer(key.first))
        hash.combine(UnsafeRawBufferPointer(key.second))
        hash.combine(UnsafeRawBufferPointer(key.third))
        hash.combine(kind)
        if key.subject.isKnown { hash.combine(UnsafeRawBufferPointer(key.subject)) }
        if key.member.isKnown { hash.combine(UnsafeRawBufferPointer(key.member)) }
        return hash.finalize()
    }
}

/// The lines of one stripe.
private struct Lines: ~Copyable {
    static let entriesPerLine = 4
    static let lineBytes = 64

    struct Entry {
        /// The key's fingerprint; 0 for an empty entry.
        var tag: UInt64 = 0
        /// The theoretical arrival time, or until when it is remembered, in microseconds.
        var until: Int64 = 0
    }

    let count: Int
    var evictions: UInt64 = 0
    private let entries: UnsafeMutablePointer<Entry>
    private let memory: TableMemory

    init(count: Int, in memory: TableMemory) {
        (self.count, self.memory) = (count, memory)
        entries = memory.take(count * Self.entriesPerLine, of: Entry.self)
        entries.initialize(repeating: Entry(), count: count * Self.entriesPerLine)
    }

    static func bytes(_ count: Int) -> Int { TableMemory.size(count * entriesPerLine, of: Entry.self) }

    private static func tag(_ hash: UInt64) -> UInt64 { hash == 0 ? 1 : hash }

    private func lines(_ hash: UInt64) -> (UnsafeMutablePointer<Entry>, UnsafeMutablePointer<Entry>) {
        let (first, second) = twoPlaces(of: hash, count: count)
        return (entries + first * Self.entriesPerLine, entries + second * Self.entriesPerLine)
    }

    /// The key's entry, if it has one.
    func find(_ hash: UInt64) -> UnsafeMutablePointer<Entry>? {
        let tag = Self.tag(hash)
        let (first, second) = lines(hash)
        for slot in 0..<Self.entriesPerLine where first[slot].tag == tag { return first + slot }
        for slot in 0..<Self.entriesPerLine where second[slot].tag == tag { return second + slot }
        return nil
    }

    /// The key's entry; a new one takes the place of what is soonest over.
    mutating func entry(_ hash: UInt64, now: Instant) -> UnsafeMutablePointer<Entry> {
        if let found = find(hash) { return found }
        let (first, second) = lines(hash)
        var victim = first
        for slot in 0..<Self.entriesPerLine {
            if first[slot].until < victim.pointee.until { victim = first + slot }
            if second[slot].until < victim.pointee.until { victim = second + slot }
        }
        if victim.pointee.until > now.microseconds { evictions += 1 }
        victim.pointee = Entry(tag: Self.tag(hash), until: now.microseconds)
        return victim
    }
}

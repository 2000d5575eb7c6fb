/// An entry of the allow list or of the ban list.
public struct AddressEntry: Hashable, Sendable {
    public let prefix: Prefix
    public let since: Instant
    /// nil: until removed.
    public let until: Instant?
    public let comment: String
    /// Who set it: `policy`, or a person.
    public let by: String
    /// The DNS name that it stands for; nil for an address as it was written.
    public let name: String?

    public init(prefix: Prefix, since: Instant, until: Instant?, comment: String, by: String, name: String? = nil) {
        (self.prefix, self.since, self.until, self.comment, self.by) = (prefix, since, until, comment, by)
        self.name = name
    }

    public func holds(at now: Instant) -> Bool { until.map { $0 > now } ?? true }
}

/// Entries that come and go, each prefix once, ready for look-up. A value: a copy is a snapshot.
///
/// A new entry goes into a small table, full tables are merged into the next larger one, and one that leaves is crossed out:
/// with 100,000 entries an addition builds 20 entries anew on average, and a look-up asks three tables.
public struct AddressList: Sendable {
    private static let capacities = [64, 4096, Int.max]
    /// The newest and smallest first.
    private var tiers = [AddressTier](repeating: AddressTier([]), count: capacities.count)
    /// The first time at which an entry ends.
    private var nextEnd: Instant?

    public private(set) var count = 0

    public init(_ entries: [AddressEntry] = []) {
        guard !entries.isEmpty else { return }
        let unique = Self.unique(entries)
        tiers[unique.count <= Self.capacities[0] ? 0 : Self.capacities.count - 1] = AddressTier(unique)
        count = unique.count
        nextEnd = unique.lazy.compactMap(\.until).min()
    }

    /// Each prefix once, the last of those that are there twice. Entries that ascend, as ``entries`` gives them, stay as they
    /// are.
    private static func unique(_ entries: [AddressEntry]) -> [AddressEntry] {
        let ascend = zip(entries, entries.dropFirst()).allSatisfy {
            ($0.prefix.first, $0.prefix.bits) < ($1.prefix.first, $1.prefix.bits)
        }
        return ascend ? entries : Array(Dictionary(entries.map { ($0.prefix, $0) }) { _, last in last }.values)
    }

    /// All entries by address.
    public var entries: [AddressEntry] {
        tiers.flatMap(\.entries).sorted { ($0.prefix.first, $0.prefix.bits) < ($1.prefix.first, $1.prefix.bits) }
    }

    /// The entry of the longest prefix that holds the address now.
    public func entry(around address: IPAddress, now: Instant) -> AddressEntry? {
        // Most lists are empty, and every request asks.
        count == 0 ? nil : search(around: address, now: now)
    }

    /// Whether an entry holds the address now.
    func holds(_ address: IPAddress, now: Instant) -> Bool {
        count != 0 && search(around: address, now: now) != nil
    }

    private func search(around address: IPAddress, now: Instant) -> AddressEntry? {
        var best: AddressEntry?
        for tier in tiers where !tier.isEmpty {
            guard let found = tier.entry(around: address, now: now) else { continue }
            if best.map({ $0.prefix.bits < found.prefix.bits }) ?? true { best = found }
        }
        return best
    }

    /// An entry that holds now and has addresses in common with the network; nil if none does. The one around its first address
    /// comes first.
    public func entry(overlapping prefix: Prefix, now: Instant) -> AddressEntry? {
        guard count > 0 else { return nil }
        if let around = search(around: prefix.first, now: now) { return around }
        // Networks lie within each other or apart: whatever is left begins in it.
        for tier in tiers where !tier.isEmpty {
            if let inside = tier.entry(beginningIn: prefix, now: now) { return inside }
        }
        return nil
    }

    /// The entry of exactly that prefix.
    public subscript(prefix: Prefix) -> AddressEntry? {
        for tier in tiers { if let index = tier.index(of: prefix) { return tier[index] } }
        return nil
    }

    /// Adds an entry in the place of one with the same prefix.
    public mutating func add(_ entry: AddressEntry) {
        remove(entry.prefix)
        var merged = [entry]
        for (index, capacity) in Self.capacities.enumerated() {
            merged += tiers[index].entries
            guard merged.count > capacity else {
                tiers[index] = AddressTier(merged)
                break
            }
            tiers[index] = AddressTier([])
        }
        count += 1
        if let until = entry.until { nextEnd = min(nextEnd ?? until, until) }
    }

    /// Removes the entry of exactly that prefix; whether there was one.
    @discardableResult
    public mutating func remove(_ prefix: Prefix) -> Bool {
        for tier in tiers.indices {
            guard let index = tiers[tier].index(of: prefix) else { continue }
            tiers[tier].crossOut(index)
            count -= 1
            return true
        }
        return false
    }

    /// Forgets what is over; whether anything was.
    public mutating func expire(at now: Instant) -> Bool {
        guard let end = nextEnd, end <= now else { return false }
        let before = count
        for tier in tiers.indices { tiers[tier].crossOut { !$0.holds(at: now) } }
        count = tiers.map(\.count).reduce(0, +)
        nextEnd = tiers.flatMap(\.entries).compactMap(\.until).min()
        return count != before
    }
}

/// Entries with a table that is never changed; what has left is crossed out.
struct AddressTier: Sendable {
    private let table: PrefixTable<AddressEntry>
    private var isOut: [UInt64]
    private(set) var count: Int

    init(_ entries: [AddressEntry]) {
        let entries = entries.sorted { $0.prefix.first < $1.prefix.first }
        table = PrefixTable(entries.map(\.prefix), entries)
        isOut = [UInt64](repeating: 0, count: (entries.count + 63) / 64)
        count = entries.count
    }

    var isEmpty: Bool { count == 0 }
    var entries: [AddressEntry] { table.values.indices.filter(holds).map { table.values[$0] } }

    subscript(index: Int) -> AddressEntry { table.values[index] }

    private func holds(_ index: Int) -> Bool { isOut[index >> 6] & 1 << UInt64(index & 63) == 0 }

    func entry(around address: IPAddress, now: Instant) -> AddressEntry? {
        var next = table.index(of: address)
        while let index = next {
            if holds(index), table.values[index].holds(at: now) { return table.values[index] }
            next = table.index(around: index)
        }
        return nil
    }

    /// The first entry, by address, whose own first address is in the network. Entries stand in that order.
    func entry(beginningIn prefix: Prefix, now: Instant) -> AddressEntry? {
        var (low, high) = (0, table.values.count)
        while low < high {
            let middle = (low + high) / 2
            if table.values[middle].prefix.first < prefix.first { low = middle + 1 } else { high = middle }
        }
        while low < table.values.count, prefix.contains(table.values[low].prefix.first) {
            if holds(low), table.values[low].holds(at: now) { return table.values[low] }
            low += 1
        }
        return nil
    }

    func index(of prefix: Prefix) -> Int? {
        var next = table.index(of: prefix.first)
        while let index = next {
            if table.values[index].prefix == prefix { return holds(index) ? index : nil }
            next = table.index(around: index)
        }
        return nil
    }

    mutating func crossOut(_ index: Int) {
        isOut[index >> 6] |= 1 << UInt64(index & 63)
        count -= 1
        // Nothing that is left needs the memory.
        if count == 0 { self = AddressTier([]) } else if count * 4 < table.values.count { self = AddressTier(entries) }
    }

    mutating func crossOut(where isOver: (AddressEntry) -> Bool) {
        let left = entries.filter { !isOver($0) }
        if left.count != count { self = AddressTier(left) }
    }
}

/// The networks of all feeds, looked up at once: whatever their number, a look-up is one walk.
///
/// Immutable; built off the hot path and published whole.
public struct FeedTable: Sendable {
    /// Feeds that one table holds at most: one bit each.
    public static let most = 32

    private let ranges: AddressRanges
    private let isEmpty: Bool

    /// - Parameter feeds: the networks of each feed, by its place in the policy; overlaps are welcome.
    public init(_ feeds: [[Prefix]] = []) {
        precondition(feeds.count <= Self.most)
        var edges: [(start: UInt128, bit: UInt32)] = []
        for (index, prefixes) in feeds.enumerated() { Self.addEdges(of: prefixes, bit: 1 << UInt32(index), &edges) }
        edges.sort { $0.start < $1.start }
        var steps: [(start: UInt128, value: UInt32)] = []
        var mask: UInt32 = 0
        for (start, bit) in edges {
            mask ^= bit
            if steps.last?.start == start { steps[steps.count - 1].value = mask } else { steps.append((start, mask)) }
        }
        (ranges, isEmpty) = (AddressRanges(steps), steps.isEmpty)
    }

    /// Where a feed begins and ends to hold, its own overlaps merged.
    private static func addEdges(of prefixes: [Prefix], bit: UInt32, _ edges: inout [(start: UInt128, bit: UInt32)]) {
        var end: UInt128?
        for prefix in prefixes.sorted(by: { $0.first < $1.first }) {
            let (first, last) = (prefix.first.value, prefix.last.value)
            if let open = end, first <= open {
                end = max(open, last)
                continue
            }
            if let open = end { edges.append((open + 1, bit)) }
            edges.append((first, bit))
            end = last
        }
        if let end, end < .max { edges.append((end + 1, bit)) }
    }

    /// The feeds that name the address, one bit each.
    public subscript(address: IPAddress) -> UInt32 { isEmpty ? 0 : ranges[address] }

    /// The feeds that name any address of the network, one bit each.
    func naming(anyOf prefix: Prefix) -> UInt32 {
        isEmpty ? 0 : ranges.values(from: prefix.first, through: prefix.last)
    }
}

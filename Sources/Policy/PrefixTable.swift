/// Networks with a value each, looked up by address; the longest prefix wins.
///
/// Immutable: nested prefixes are flattened once into disjoint ranges, and a look-up allocates nothing. Build it off the hot
/// path and publish it whole.
public struct PrefixTable<Value: Sendable>: Sendable {
    private let ranges: AddressRanges
    /// For each value the index of the next shorter prefix around it, -1 if there is none.
    private let enclosing: [Int32]
    public let values: [Value]

    public var isEmpty: Bool { values.isEmpty }

    public init(_ entries: [(prefix: Prefix, value: Value)] = []) {
        self.init(entries.map(\.prefix), entries.map(\.value))
    }

    /// Of each value the prefix at the same place.
    init(_ prefixes: [Prefix], _ values: [Value]) {
        let flat = Flattening(prefixes)
        (ranges, enclosing, self.values) = (AddressRanges(flat.steps), flat.enclosing, values)
    }

    /// The value of the longest prefix that holds the address.
    public subscript(address: IPAddress) -> Value? { index(of: address).map { values[$0] } }

    public func contains(_ address: IPAddress) -> Bool { index(of: address) != nil }

    /// The place of the longest prefix that holds the address.
    func index(of address: IPAddress) -> Int? {
        let owner = ranges[address]
        return owner == 0 ? nil : Int(owner) - 1
    }

    /// The place of the next shorter prefix around the one at `index`.
    func index(around index: Int) -> Int? {
        let outer = enclosing[index]
        return outer < 0 ? nil : Int(outer)
    }
}

/// Prefixes as ranges that do not overlap; each range names its prefix by the index, from 1.
private struct Flattening {
    private(set) var steps: [(start: UInt128, value: UInt32)] = []
    private(set) var enclosing: [Int32]
    private var open: [(last: UInt128, owner: UInt32)] = []

    init(_ prefixes: [Prefix]) {
        enclosing = [Int32](repeating: -1, count: prefixes.count)
        let order = prefixes.indices.sorted {
            let (left, right) = (prefixes[$0], prefixes[$1])
            if left.first != right.first { return left.first < right.first }
            return left.bits == right.bits ? $0 < $1 : left.bits < right.bits
        }
        steps.reserveCapacity(2 * prefixes.count)
        for index in order {
            let prefix = prefixes[index]
            close(before: prefix.first.value)
            if let outer = open.last { enclosing[index] = Int32(outer.owner) - 1 }
            begin(at: prefix.first.value, UInt32(index) + 1)
            open.append((prefix.last.value, UInt32(index) + 1))
        }
        close(before: nil)
    }

    /// Ends the open prefixes that end before `start` (all of them for nil); what encloses them goes on behind them.
    private mutating func close(before start: UInt128?) {
        while let top = open.last, start.map({ top.last < $0 }) ?? true {
            open.removeLast()
            guard top.last < .max else { continue }
            begin(at: top.last + 1, open.last?.owner ?? 0)
        }
    }

    private mutating func begin(at start: UInt128, _ owner: UInt32) {
        if steps.last?.start == start { steps[steps.count - 1].value = owner } else { steps.append((start, owner)) }
    }
}

/// Networks with a value each, looked up by address; the longest prefix wins.
///
/// Immutable: nested prefixes are flattened once into disjoint sorted ranges, a look-up is one binary search
/// over them and allocates nothing. Build it off the hot path and publish it whole.
public struct PrefixTable<Value: Sendable>: Sendable {
    private var starts: [UInt128] = []
    /// For each range the index of its value, -1 for a gap between prefixes.
    private var owners: [Int32] = []
    private var values: [Value] = []

    public var isEmpty: Bool { values.isEmpty }

    public init(_ entries: [(prefix: Prefix, value: Value)] = []) {
        let order = entries.indices.sorted {
            let (left, right) = (entries[$0].prefix, entries[$1].prefix)
            return left.first == right.first ? left.bits < right.bits : left.first < right.first
        }
        var open: [(last: UInt128, owner: Int32)] = []
        values = entries.map(\.value)
        for index in order {
            let prefix = entries[index].prefix
            close(&open, before: prefix.first.value)
            begin(at: prefix.first.value, owner: Int32(index))
            open.append((prefix.last.value, Int32(index)))
        }
        close(&open, before: nil)
    }

    /// Ends the open prefixes that end before `start` (all of them for nil); what encloses them goes on behind them.
    private mutating func close(_ open: inout [(last: UInt128, owner: Int32)], before start: UInt128?) {
        while let top = open.last, start.map({ top.last < $0 }) ?? true {
            open.removeLast()
            guard top.last < .max else { continue }
            begin(at: top.last + 1, owner: open.last?.owner ?? -1)
        }
    }

    private mutating func begin(at start: UInt128, owner: Int32) {
        if starts.last == start {
            owners[owners.count - 1] = owner
        } else {
            starts.append(start)
            owners.append(owner)
        }
    }

    /// The value of the longest prefix that holds the address.
    public subscript(address: IPAddress) -> Value? {
        guard !values.isEmpty else { return nil }
        var (low, high) = (0, starts.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= address.value { low = middle + 1 } else { high = middle }
        }
        guard low > 0, owners[low - 1] >= 0 else { return nil }
        return values[Int(owners[low - 1])]
    }

    public func contains(_ address: IPAddress) -> Bool { self[address] != nil }
}

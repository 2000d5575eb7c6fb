/// Numbers for ranges of addresses, looked up in a few cache lines and without an allocation.
///
/// IPv4 goes through an index of the upper 16 bits and a branch-free binary search behind it; IPv6, of which no bits are sure to
/// differ, through a tree. Both are flat memory, freed in one piece whoever lets go of it last.
final class AddressRanges: @unchecked Sendable {
    private let v4: FlatMemory<UInt32>
    private let v4Values: FlatMemory<UInt32>
    /// How many starts lie before each of the 65536 blocks; empty where there are so few that a search is quicker.
    private let index: FlatMemory<UInt32>
    /// Begins at the first address of all, unless it is empty.
    private let v6: SearchTree
    private let v6Values: FlatMemory<UInt32>

    private static let mapped: UInt128 = 0xFFFF << 32

    /// - Parameter steps: from each start on its value holds; starts ascend. Before the first one, and where nothing is, it is 0.
    init(_ steps: [(start: UInt128, value: UInt32)]) {
        var (low, high) = (StepList<UInt32>(), StepList<UInt128>())
        for (start, value) in steps {
            if start <= Self.mapped {
                low.set(0, value)
            } else if start >> 32 == 0xFFFF {
                low.set(UInt32(truncatingIfNeeded: start), value)
            }
            // No IPv4 address is looked up there, so one start stands for all of them.
            high.set(start >> 32 == 0xFFFF ? Self.mapped : start, value)
        }
        (v4, v4Values) = (FlatMemory(low.starts), FlatMemory(low.values))
        if let first = high.starts.first, first > 0 {
            high.starts.insert(0, at: 0)
            high.values.insert(0, at: 0)
        }
        (v6, v6Values) = (SearchTree(high.starts), FlatMemory(high.values))
        index = FlatMemory(low.starts.count > 256 ? Self.index(low.starts) : [])
    }

    private static func index(_ starts: [UInt32]) -> [UInt32] {
        var index = [UInt32](repeating: 0, count: 65537)
        for start in starts { index[Int(start >> 16) + 1] += 1 }
        for block in 1...65536 { index[block] += index[block - 1] }
        return index
    }

    subscript(address: IPAddress) -> UInt32 { address.isV4 ? value(v4: address.value) : value(v6: address.value) }

    /// The bits of all values from one address to another of the same family; takes as long as there are ranges between them.
    func values(from first: IPAddress, through last: IPAddress) -> UInt32 {
        var bits = self[first]
        guard first.isV4, last.isV4 else {
            guard v6.count > 0 else { return bits }
            var place = v6.place(of: first.value) + 1
            while place < v6.count, v6[place] <= last.value {
                bits |= v6Values[place]
                place += 1
            }
            return bits
        }
        let end = UInt32(truncatingIfNeeded: last.value)
        var place = v4.upperBound(of: UInt32(truncatingIfNeeded: first.value), from: 0, to: v4.count)
        while place < v4.count, v4[place] <= end {
            bits |= v4Values[place]
            place += 1
        }
        return bits
    }

    private func value(v4 address: UInt128) -> UInt32 {
        let address = UInt32(truncatingIfNeeded: address)
        var (low, high) = (0, v4.count)
        if index.count != 0 {
            let block = Int(address >> 16)
            (low, high) = (Int(index[block]), Int(index[block + 1]))
        }
        let place = v4.upperBound(of: address, from: low, to: high)
        return place == 0 ? 0 : v4Values[place - 1]
    }

    private func value(v6 address: UInt128) -> UInt32 { v6.count == 0 ? 0 : v6Values[v6.place(of: address)] }
}

/// Starts and values in which neighbours differ.
private struct StepList<Start: Equatable> {
    var starts: [Start] = []
    var values: [UInt32] = []

    mutating func set(_ start: Start, _ value: UInt32) {
        if starts.last == start {
            starts.removeLast()
            values.removeLast()
        }
        guard value != values.last ?? 0 else { return }
        starts.append(start)
        values.append(value)
    }
}

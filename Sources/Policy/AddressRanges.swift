/// Numbers for ranges of addresses, looked up in a few cache lines and without an allocation.
///
/// IPv4 goes through an index of the upper 16 bits and a branch-free binary search behind it; IPv6 through every 64th start
/// and then the 64 behind that. Both are flat memory, freed in one piece whoever lets go of it last.
final class AddressRanges: @unchecked Sendable {
    private let v4: FlatMemory<UInt32>
    private let v4Values: FlatMemory<UInt32>
    /// How many starts lie before each of the 65536 blocks; empty where there are so few that a search is quicker.
    private let index: FlatMemory<UInt32>
    private let v6: FlatMemory<UInt128>
    private let v6Values: FlatMemory<UInt32>
    private let heads: FlatMemory<UInt128>

    private static let block = 64
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
        (v6, v6Values) = (FlatMemory(high.starts), FlatMemory(high.values))
        index = FlatMemory(low.starts.count > 256 ? Self.index(low.starts) : [])
        heads = FlatMemory(stride(from: 0, to: high.starts.count, by: Self.block).map { high.starts[$0] })
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
            var place = v6.upperBound(of: first.value, from: 0, to: v6.count)
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

    private func value(v6 address: UInt128) -> UInt32 {
        let head = heads.upperBound(of: address, from: 0, to: heads.count)
        guard head > 0 else { return 0 }
        let low = (head - 1) * Self.block
        return v6Values[v6.upperBound(of: address, from: low, to: min(low + Self.block, v6.count)) - 1]
    }
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

/// An array that is read without bounds checks or reference counts.
private struct FlatMemory<Element: BitwiseCopyable & Comparable> {
    private let storage: Storage
    private let elements: UnsafeMutablePointer<Element>
    let count: Int

    private final class Storage {
        let memory: UnsafeMutablePointer<Element>
        init(_ memory: UnsafeMutablePointer<Element>) { self.memory = memory }
        deinit { memory.deallocate() }
    }

    init(_ array: [Element]) {
        elements = .allocate(capacity: max(1, array.count))
        for (index, element) in array.enumerated() { (elements + index).initialize(to: element) }
        (storage, count) = (Storage(elements), array.count)
    }

    subscript(index: Int) -> Element {
        @inline(__always) get { elements[index] }
    }

    /// The first place in the range whose element is beyond `value`. The comparison becomes a conditional move: what an
    /// attacker's addresses do to a branch predictor costs more than the few steps too many.
    @inline(__always)
    func upperBound(of value: Element, from low: Int, to high: Int) -> Int {
        var (base, count) = (low, high &- low)
        while count > 1 {
            let half = count >> 1
            base = elements[base &+ half &- 1] <= value ? base &+ half : base
            count &-= half
        }
        return count == 1 && elements[base] <= value ? base &+ 1 : base
    }
}

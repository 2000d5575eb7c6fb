/// An array that is read without bounds checks or reference counts, and that begins at a cache line.
struct FlatMemory<Element: BitwiseCopyable> {
    private let storage: Storage
    let elements: UnsafeMutablePointer<Element>
    let count: Int

    private final class Storage {
        let memory: UnsafeMutableRawPointer
        init(_ memory: UnsafeMutableRawPointer) { self.memory = memory }
        deinit { memory.deallocate() }
    }

    init(_ array: [Element]) {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, array.count) * MemoryLayout<Element>.stride, alignment: 64)
        (storage, count) = (Storage(memory), array.count)
        elements = memory.bindMemory(to: Element.self, capacity: max(1, array.count))
        elements.initialize(from: array, count: array.count)
    }

    subscript(index: Int) -> Element {
        @inline(__always) get { elements[index] }
    }
}

extension FlatMemory where Element: Comparable {
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

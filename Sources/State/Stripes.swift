import CPlatform
import Policy
import Synchronization

/// Parts of a table, each under a lock of its own, in memory that is made once: finding one counts no reference.
///
/// Their number is a power of two, so that choosing one takes no division. Sendable, since a part is reached through its lock.
struct Stripes<Part: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    let count: Int

    /// From one part to the next: whole cache lines, so that two cores do not take them from each other.
    private static var stride: Int { (MemoryLayout<Mutex<Part>>.stride + 63) & ~63 }

    /// At least one; a number between two powers of two becomes the lower one.
    init(_ count: Int, _ make: () -> sending Part) {
        self.count = 1 << (Int.bitWidth - 1 - max(1, count).leadingZeroBitCount)
        memory = .allocate(byteCount: self.count * Self.stride, alignment: 64)
        for index in 0..<self.count {
            (memory + index * Self.stride).bindMemory(to: Mutex<Part>.self, capacity: 1).initialize(to: Mutex(make()))
        }
    }

    deinit {
        for index in 0..<count { part(index).deinitialize(count: 1) }
        memory.deallocate()
    }

    @inline(__always)
    private borrowing func part(_ index: Int) -> UnsafeMutablePointer<Mutex<Part>> {
        (memory + index * Self.stride).assumingMemoryBound(to: Mutex<Part>.self)
    }

    /// Which part a hash belongs to.
    @inline(__always)
    borrowing func index(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 32) & (count &- 1) }

    /// Asks for the memory of the lock that guards a hash's part, and does not wait for it.
    @inline(__always)
    borrowing func expect(_ hash: UInt64) { prefetch(memory + index(of: hash) &* Self.stride) }

    /// Gives exclusive access to the part that a hash belongs to.
    @inline(__always)
    borrowing func withPart<Result: ~Copyable>(
        of hash: UInt64, _ body: (inout sending Part) -> sending Result
    ) -> sending Result {
        part(index(of: hash)).pointee.withLock(body)
    }

    /// Visits every part, one after the other.
    borrowing func visit(_ body: (inout sending Part) -> sending Void) {
        for index in 0..<count { part(index).pointee.withLock(body) }
    }
}

/// Two places of a table of `count` for a hash, of which some bits have chosen the stripe already.
@inline(__always)
func twoPlaces(of hash: UInt64, count: Int) -> (Int, Int) {
    let mixed = hash &* 0x9E37_79B9_7F4A_7C15
    // A product's upper half instead of a remainder, which takes a division.
    let first = (mixed >> 32).multipliedReportingOverflow(by: UInt64(count)).partialValue >> 32
    let second = (mixed & 0xFFFF_FFFF).multipliedReportingOverflow(by: UInt64(count)).partialValue >> 32
    // Two different ones, where there are two: a key with one place only would soon find it full of worthier ones.
    return (Int(first), Int(second == first && count > 1 ? (first == 0 ? 1 : first - 1) : second))
}

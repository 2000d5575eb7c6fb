import CPlatform
import Glibc

/// Parts of a table, each under a lock of its own, in memory that is made once: finding one counts no reference.
///
/// Their number is a power of two, so that choosing one takes no division. Sendable, since a part is reached through its lock.
///
/// The locks are glibc's. Synchronization's `Mutex` is handed by the kernel from one who waits to the next, and a flood from one source
/// is many threads at one lock.
struct Stripes<Part: ~Copyable & Sendable>: ~Copyable, @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    let count: Int

    /// A lock and the part that it guards.
    private struct Stripe {
        let start: UnsafeMutableRawPointer

        /// From one to the next: whole cache lines, so that two cores do not take them from each other.
        static var stride: Int { (partOffset + MemoryLayout<Part>.size + 63) & ~63 }

        private static var partOffset: Int {
            let alignment = MemoryLayout<Part>.alignment
            return (MemoryLayout<pthread_mutex_t>.size + alignment - 1) & ~(alignment - 1)
        }

        @inline(__always)
        var lock: UnsafeMutablePointer<pthread_mutex_t> { start.assumingMemoryBound(to: pthread_mutex_t.self) }

        @inline(__always)
        var part: UnsafeMutablePointer<Part> { (start + Self.partOffset).assumingMemoryBound(to: Part.self) }

        func initialize(_ value: consuming Part) {
            platform_make_lock(start.bindMemory(to: pthread_mutex_t.self, capacity: 1))
            (start + Self.partOffset).bindMemory(to: Part.self, capacity: 1).initialize(to: value)
        }

        func deinitialize() {
            part.deinitialize(count: 1)
            pthread_mutex_destroy(lock)
        }

        @inline(__always)
        func withLock<Result: ~Copyable>(_ body: (inout Part) -> Result) -> Result {
            let code = pthread_mutex_lock(lock)
            assert(code == 0, "a thread takes a lock that it holds")
            defer { pthread_mutex_unlock(lock) }
            return body(&part.pointee)
        }
    }

    /// At least one; a number between two powers of two becomes the lower one.
    init(_ count: Int, _ make: () -> Part) {
        self.count = 1 << (Int.bitWidth - 1 - max(1, count).leadingZeroBitCount)
        memory = .allocate(byteCount: self.count * Stripe.stride, alignment: 64)
        for index in 0..<self.count { stripe(index).initialize(make()) }
    }

    deinit {
        for index in 0..<count { stripe(index).deinitialize() }
        memory.deallocate()
    }

    @inline(__always)
    private borrowing func stripe(_ index: Int) -> Stripe { Stripe(start: memory + index &* Stripe.stride) }

    /// Which part a hash belongs to.
    @inline(__always)
    borrowing func index(of hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 32) & (count &- 1) }

    /// Asks for the memory of the lock that guards a hash's part, and does not wait for it.
    @inline(__always)
    borrowing func expect(_ hash: UInt64) { prefetch(stripe(index(of: hash)).start) }

    /// Gives exclusive access to the part that a hash belongs to.
    @inline(__always)
    borrowing func withPart<Result: ~Copyable>(of hash: UInt64, _ body: (inout Part) -> Result) -> Result {
        stripe(index(of: hash)).withLock(body)
    }

    /// Gives exclusive access to the part of a number, which many share.
    @inline(__always)
    borrowing func withPart<Result: ~Copyable>(at number: Int, _ body: (inout Part) -> Result) -> Result {
        stripe(number & (count &- 1)).withLock(body)
    }

    /// Visits every part, one after the other.
    borrowing func visit(_ body: (inout Part) -> Void) {
        for index in 0..<count { stripe(index).withLock(body) }
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

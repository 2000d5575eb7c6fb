import Glibc

/// The memory of a table, made once and in one piece.
struct TableMemory: ~Copyable, @unchecked Sendable {  // Sendable: who writes where is for the table's stripes to say
    private static let hugePage = 2 << 20

    let start: UnsafeMutableRawPointer
    let count: Int

    init(bytes count: Int) {
        self.count = count
        start = .allocate(byteCount: count, alignment: count < Self.hugePage ? 64 : Self.hugePage)
    }

    deinit { start.deallocate() }

    /// Asks the system to put what has been written there into huge pages: half the price of a look-up in a large table is
    /// finding out where its page lies. Takes milliseconds for each, so it is for a thread of its own; where the system does
    /// not do it at once (Linux before 6.1), it does so in the course of time, or never.
    borrowing func useHugePages() {
        let whole = count & ~(Self.hugePage - 1)
        guard whole > 0, madvise(start, whole, MADV_HUGEPAGE) == 0 else { return }
        for page in stride(from: 0, to: whole, by: Self.hugePage) {
            guard madvise(start + page, Self.hugePage, Self.collapse) == 0 else { return }
        }
    }

    /// MADV_COLLAPSE of the kernel's mman-common.h.
    private static let collapse: CInt = 25
}

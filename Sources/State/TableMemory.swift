import Glibc

/// The memory of one table, in one piece and on large pages where the system has them.
///
/// So the start waits for some dozen pages instead of many thousands, and a look-up in a full table seldom for the page tables.
final class TableMemory: @unchecked Sendable {
    private static let largePage = 2 << 20

    let start: UnsafeMutableRawPointer
    private var taken = 0
    private let bytes: Int

    init(bytes: Int) {
        self.bytes = bytes
        start = .allocate(byteCount: bytes, alignment: Self.largePage)
        // No more than whole pages: what is resident stays within what was asked for. Where there are none, nothing changes.
        madvise(start, bytes / Self.largePage * Self.largePage, MADV_HUGEPAGE)
    }

    deinit { start.deallocate() }

    /// Memory for `count` values that begins at a cache line; the first to be called, by one thread.
    func take<Value>(_ count: Int, of type: Value.Type) -> UnsafeMutablePointer<Value> {
        let place = start + taken
        taken += Self.size(count, of: type)
        precondition(taken <= bytes)
        return place.bindMemory(to: type, capacity: count)
    }

    /// How much of it that takes.
    static func size<Value>(_ count: Int, of type: Value.Type) -> Int {
        (count * MemoryLayout<Value>.stride + 63) & ~63
    }
}

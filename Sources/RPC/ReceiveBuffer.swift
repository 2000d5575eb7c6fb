import Glibc

/// The bytes of a connection that have not been served yet; begins small and grows up to a limit.
struct ReceiveBuffer: ~Copyable {
    private var base: UnsafeMutableRawBufferPointer
    private var count = 0
    private let limit: Int

    init(capacity: Int = 16 * 1024, limit: Int) {
        base = .allocate(byteCount: min(capacity, limit), alignment: 16)
        self.limit = limit
    }

    deinit { base.deallocate() }

    /// What is there; good until the next change.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: base[..<count]) }

    /// Where the next bytes go; never empty while there is less than the limit.
    mutating func space() -> UnsafeMutableRawBufferPointer {
        if count == base.count { grow() }
        return UnsafeMutableRawBufferPointer(rebasing: base[count...])
    }

    /// Says that so many bytes were put into `space`.
    mutating func append(_ more: Int) { count += more }

    /// Drops bytes from the front.
    mutating func dropFirst(_ done: Int) {
        guard done > 0 else { return }
        count -= done
        if count > 0 { memmove(base.baseAddress!, base.baseAddress! + done, count) }
    }

    private mutating func grow() {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(base.count + 1, min(base.count * 2, limit)), alignment: 16)
        larger.copyMemory(from: bytes)
        base.deallocate()
        base = larger
    }
}

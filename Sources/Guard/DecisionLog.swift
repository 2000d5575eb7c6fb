import Policy
import Synchronization

/// Decisions on their way from the threads that decide to the one that writes them down.
///
/// A thread that decides never waits here: it tries a few stripes of fixed size, each under a lock that it takes only if it is
/// free, and a decision that finds no room is counted as lost. The writer takes a stripe's memory away and leaves an empty
/// one, so that it holds a lock for as long as two pointers need.
public final class DecisionLog: Sendable {
    /// What is written down, and where.
    public struct Settings: Sendable, Equatable {
        public var path: String
        /// Bytes of one file, after which the next begins.
        public var size = 16 << 20
        /// How many files there are at most, the present one included.
        public var files = 4
        public var coverage = Coverage.all

        public init(path: String) { self.path = path }
    }

    /// Which decisions are written down.
    public enum Coverage: String, CaseIterable, Sendable {
        /// Every decision and every report, from which all can be decided again.
        case all
        /// Decisions other than to pass, also those of rules in shadow mode.
        case treated
    }

    static let stripeCount = 8
    static let stripeBytes = 256 << 10

    public let settings: Settings
    private let stripes: [Stripe]
    private let turn = Atomic<Int>(0)
    private let lostLines = Atomic<Int>(0)

    private final class Stripe: Sendable {
        let buffer: Mutex<LogBuffer>
        init(bytes: Int) { buffer = Mutex(LogBuffer(bytes: bytes)) }
    }

    public init(_ settings: Settings) {
        self.settings = settings
        stripes = (0..<Self.stripeCount).map { _ in Stripe(bytes: Self.stripeBytes) }
    }

    /// Lines that were not written: no room in the queue, or none on the disk.
    public var lost: Int { lostLines.load(ordering: .relaxed) }

    func countLost(_ lines: Int) { lostLines.add(lines, ordering: .relaxed) }

    /// Where a thread's lines go as long as there is room: threads share a stripe only where they are many.
    func nextStripe() -> Int { turn.add(1, ordering: .relaxed).oldValue & (Self.stripeCount - 1) }

    /// Copies a line into the queue, or counts it as lost. Two stripes are tried: one may be taken by another thread.
    func add(_ line: UnsafeRawBufferPointer, at now: Instant, stripe: Int) {
        for offset in 0..<2 {
            let stripe = stripes[(stripe + offset) & (Self.stripeCount - 1)]
            if stripe.buffer.withLockIfAvailable({ $0.add(line, at: now) }) == true { return }
        }
        countLost(1)
    }

    /// Takes all lines of a stripe; the memory that it leaves there is `spare`'s.
    func take(stripe: Int, leaving spare: LogBuffer) -> LogBuffer {
        spare.removeAll()
        return stripes[stripe].buffer.withLock { buffer in
            let full = buffer
            buffer = spare
            return full
        }
    }
}

/// Lines with their times, one behind the other in memory that never grows.
///
/// Sendable: whoever holds the stripe's lock, or took the buffer away, uses it alone.
final class LogBuffer: @unchecked Sendable {
    private static let header = 12
    private let memory: UnsafeMutableRawBufferPointer
    private var count = 0

    init(bytes: Int) { memory = .allocate(byteCount: bytes, alignment: 16) }

    deinit { memory.deallocate() }

    func removeAll() { count = 0 }

    /// False where there is no room.
    func add(_ line: UnsafeRawBufferPointer, at now: Instant) -> Bool {
        guard memory.count - count >= Self.header + line.count else { return false }
        memory.storeBytes(of: now.microseconds, toByteOffset: count, as: Int64.self)
        memory.storeBytes(of: UInt32(line.count), toByteOffset: count + 8, as: UInt32.self)
        UnsafeMutableRawBufferPointer(rebasing: memory[(count + Self.header)...]).copyMemory(from: line)
        count += Self.header + line.count
        return true
    }

    /// The lines in the order in which they came; good until the buffer is used again.
    var lines: [(at: Instant, text: UnsafeRawBufferPointer)] {
        var (lines, index): ([(Instant, UnsafeRawBufferPointer)], Int) = ([], 0)
        while index < count {
            let at = Instant(microseconds: memory.loadUnaligned(fromByteOffset: index, as: Int64.self))
            let size = Int(memory.loadUnaligned(fromByteOffset: index + 8, as: UInt32.self))
            let start = index + Self.header
            lines.append((at, UnsafeRawBufferPointer(rebasing: memory[start..<(start + size)])))
            index = start + size
        }
        return lines
    }
}

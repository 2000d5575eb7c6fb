import CPlatform
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
    /// Where a record may go: its thread's stripe, and others where that is full or somebody was interrupted while he held it.
    static let stripesTried = 4
    /// The writer is woken when the stripes have filled so many pieces of such a size between them, a quarter of what they hold
    /// or, where very few ask, half of what those may fill: early enough for what comes until the end of its turn.
    static let piecesToWake = 64
    static let pieceBytes = 8 << 10
    /// A turn keeps about half of those waiting who ask. Up to so many, turns are long and thereby so seldom that it is fewer than one
    /// request in a hundred; where there are more it would be more whatever the length, and turns are short: each waits less.
    static let fewAskers = 16
    /// What a piece counts for where many ask: shorter turns than that take more processor time and save nobody any.
    static let weightWhereManyAsk = 4
    /// What it counts for where somebody sends in bulk.
    static let weightInBulk = 8

    public let settings: Settings
    /// In memory of their own: who takes one from an array counts a reference, in a cache line that others need too. Safe to share: the
    /// pointer never changes, and what a stripe holds is reached through its lock.
    nonisolated(unsafe) let stripes: UnsafeMutablePointer<Stripe>
    private let turn = Atomic<Int>(0)
    private let lostLines = Atomic<Int>(0)
    private let waker = Mutex(Waker())
    private let askers = Atomic<Int>(0)
    /// Pieces that have been filled since the writer began its last turn, as they count.
    private let filledPieces = Atomic<Int>(0)
    private let isInBulk = Atomic<Bool>(false)

    /// A function alone in a generic place would be wrapped anew at each look, until calling it takes a whole stack.
    private struct Waker { var wake: (@Sendable () -> Void)? }

    struct Stripe: ~Copyable {
        let buffer: Mutex<LogBuffer>
        /// The next stripe's lock is in another cache line.
        private let gap = CacheLine()

        init(bytes: Int) { buffer = Mutex(LogBuffer(bytes: bytes)) }
    }

    public init(_ settings: Settings) {
        self.settings = settings
        stripes = .allocate(capacity: Self.stripeCount)
        for index in 0..<Self.stripeCount { (stripes + index).initialize(to: Stripe(bytes: Self.stripeBytes)) }
    }

    deinit {
        stripes.deinitialize(count: Self.stripeCount)
        stripes.deallocate()
    }

    /// Lines that were not written: no room in the queue, or none on the disk.
    public var lost: Int { lostLines.load(ordering: .relaxed) }

    /// What is called when a stripe is filling, so that its records are taken before the writer would come by itself.
    public func whenFilling(_ wake: @escaping @Sendable () -> Void) { waker.withLock { $0.wake = wake } }

    func countLost(_ lines: Int) { lostLines.add(lines, ordering: .relaxed) }

    /// One more asks, until `leave`. Its stripe: where its records go as long as there is room; threads share one only where they
    /// are many.
    func join() -> Int {
        askers.add(1, ordering: .relaxed)
        return turn.add(1, ordering: .relaxed).oldValue & (Self.stripeCount - 1)
    }

    func leave() { askers.subtract(1, ordering: .relaxed) }

    /// Lets `write` write a record (`LogRecord`) of so many bytes into the queue, or counts it as lost.
    @inline(__always)
    func add(bytes: Int, at now: Instant, stripe: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        for offset in 0..<Self.stripesTried {
            let index = (stripe + offset) & (Self.stripeCount - 1)
            switch stripes[index].buffer.withLockIfAvailable({ $0.add(bytes: bytes, at: now, write) }) {
            case .filling(let pieces):
                if pieces > 0 { countFilled(pieces) }
                return
            case .noRoom, nil: continue
            }
        }
        countLost(1)
    }

    private func countFilled(_ pieces: Int) {
        let weight =
            isInBulk.load(ordering: .relaxed)
            ? Self.weightInBulk : askers.load(ordering: .relaxed) > Self.fewAskers ? Self.weightWhereManyAsk : 1
        let (before, after) = filledPieces.add(pieces * weight, ordering: .relaxed)
        if before < Self.piecesToWake, after >= Self.piecesToWake { waker.withLock { $0.wake }?() }
    }

    /// Somebody sends requests in bulk: with those the processors are always busy, so that whoever asks one question meets
    /// the writer whatever its turns, and should wait less.
    func keepTurnShort() {
        if !isInBulk.load(ordering: .relaxed) { isInBulk.store(true, ordering: .relaxed) }
    }

    /// The writer begins a turn: who fills enough from now on wakes it again.
    func beginTurn() {
        filledPieces.store(0, ordering: .relaxed)
        isInBulk.store(false, ordering: .relaxed)
    }

    /// Takes all records of a stripe; the memory that it leaves there is `spare`'s.
    func take(stripe: Int, leaving spare: LogBuffer) -> LogBuffer {
        spare.removeAll()
        return stripes[stripe].buffer.withLock { buffer in
            let full = buffer
            buffer = spare
            return full
        }
    }
}

/// Records with their times, one behind the other in memory that never grows.
///
/// Sendable: whoever holds the stripe's lock, or took the buffer away, uses it alone.
final class LogBuffer: @unchecked Sendable {
    /// What came of adding a record.
    enum Addition {
        /// How many pieces of the memory are full now that were not before.
        case filling(pieces: Int)
        case noRoom
    }

    private static let header = 12
    /// What a record of a phone's request takes up, or a little more.
    private static let usualRecord = 448
    private let memory: UnsafeMutableRawBufferPointer
    @exclusivity(unchecked) private var count = 0
    private let gap = CacheLine()

    init(bytes: Int) { memory = .allocate(byteCount: bytes, alignment: 16) }

    deinit { memory.deallocate() }

    func removeAll() { count = 0 }

    @inline(__always)
    func add(bytes: Int, at now: Instant, _ write: (UnsafeMutableRawPointer) -> Void) -> Addition {
        let before = count
        guard memory.count - before >= Self.header + bytes else { return .noRoom }
        memory.storeBytes(of: now.microseconds, toByteOffset: before, as: Int64.self)
        memory.storeBytes(of: UInt32(bytes), toByteOffset: before + 8, as: UInt32.self)
        write(memory.baseAddress! + before + Self.header)
        count = before + Self.header + bytes
        expectNext()
        return .filling(pieces: count / DecisionLog.pieceBytes - before / DecisionLog.pieceBytes)
    }

    /// Asks for the memory of the next record: who gives the lock back waits until all that he wrote is in his cache.
    private func expectNext() {
        for offset in stride(from: 0, to: Self.usualRecord, by: 64) { prefetch(memory.baseAddress! + count + offset) }
    }

    /// The records in the order in which they came; good until the buffer is used again.
    var records: Records { Records(rest: UnsafeRawBufferPointer(rebasing: memory[..<count])) }

    /// Records that are taken one after the other.
    struct Records {
        fileprivate var rest: UnsafeRawBufferPointer

        /// When the next was decided, in microseconds; .max where there is none.
        var time: Int64 { rest.isEmpty ? .max : rest.loadUnaligned(as: Int64.self) }

        /// Takes the next, which there must be.
        mutating func next() -> UnsafeRawBufferPointer {
            let end = LogBuffer.header + Int(rest.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            defer { rest = UnsafeRawBufferPointer(rebasing: rest[end...]) }
            return UnsafeRawBufferPointer(rebasing: rest[LogBuffer.header..<end])
        }
    }
}

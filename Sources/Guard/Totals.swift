import Policy
import Synchronization

/// What happened since the start, counted without locks.
final class Totals: Sendable {
    private let told = (0..<8).map { _ in VerdictCounts() }
    private let turn = Atomic<Int>(0)
    let sourceBudgetSpent = Atomic<UInt64>(0)
    let totalBudgetSpent = Atomic<UInt64>(0)
    let floodsSeen = Atomic<UInt64>(0)
    let banned = Atomic<UInt64>(0)
    let unreadable = Atomic<UInt64>(0)
    let reloads = Atomic<UInt64>(0)
    let failedReloads = Atomic<UInt64>(0)
    private let outcomes: [Counter] = Outcome.allCases.map { _ in Counter() }
    let floods = Mutex(FloodTotals())

    private final class Counter: Sendable { let value = Atomic<UInt64>(0) }

    /// Where a thread counts the verdicts that it tells.
    func nextVerdictCounts() -> VerdictCounts { told[turn.add(1, ordering: .relaxed).oldValue & (told.count - 1)] }

    /// Requests that were answered with this verdict.
    func count(of verdict: Verdict) -> UInt64 { told.reduce(0) { $0 &+ $1[verdict].load(ordering: .relaxed) } }

    /// Requests that rules in shadow mode would have answered otherwise.
    var shadow: UInt64 { told.reduce(0) { $0 &+ $1.shadow.load(ordering: .relaxed) } }

    func count(_ events: Decision.Events, _ endedFloodAnswers: UInt32) {
        if events.contains(.sourceBudgetSpent) { sourceBudgetSpent.add(1, ordering: .relaxed) }
        if events.contains(.totalBudgetSpent) { totalBudgetSpent.add(1, ordering: .relaxed) }
        if events.contains(.floodBegan) { floodsSeen.add(1, ordering: .relaxed) }
        if events.contains(.banned) { banned.add(1, ordering: .relaxed) }
        if events.contains(.floodEnded) { floods.withLock { $0.end(answers: endedFloodAnswers) } }
    }

    /// Whether a flood may be waiting to be counted as over; looking for it takes a walk through the table.
    var hasOpenFloods: Bool { floodsSeen.load(ordering: .relaxed) > floods.withLock { $0.stopped } }

    func count(_ outcome: Outcome, _ requests: Int) {
        outcomes[Outcome.allCases.firstIndex(of: outcome)!].value.add(UInt64(requests), ordering: .relaxed)
    }

    func count(of outcome: Outcome) -> UInt64 {
        outcomes[Outcome.allCases.firstIndex(of: outcome)!].value.load(ordering: .relaxed)
    }
}

/// How often each verdict was told. There are several of these, since threads on different processors would wait for the cache line
/// of one.
final class VerdictCounts: Sendable {
    private let pass = Atomic<UInt64>(0)
    private let reject = Atomic<UInt64>(0)
    private let ok200 = Atomic<UInt64>(0)
    private let drop = Atomic<UInt64>(0)
    fileprivate let shadow = Atomic<UInt64>(0)
    /// What lies behind it is in another cache line.
    private let gap = CacheLine()

    func count(_ decision: Decision, _ requests: Int) {
        self[decision.answer.verdict].add(UInt64(requests), ordering: .relaxed)
        if decision.shadow != nil { shadow.add(UInt64(requests), ordering: .relaxed) }
    }

    fileprivate subscript(verdict: Verdict) -> Atomic<UInt64> {
        _read {
            switch verdict {
            case .pass: yield pass
            case .reject: yield reject
            case .ok200: yield ok200
            case .drop: yield drop
            }
        }
    }
}

/// As many bytes as a processor takes at once.
struct CacheLine {
    private let bytes = InlineArray<8, UInt64>(repeating: 0)
}

/// Floods that are over, by how many answers it took.
struct FloodTotals {
    private(set) var stopped: UInt64 = 0
    /// Floods with 0, 1, ... answers; the last place is for that many and more.
    private var byAnswers = [UInt64](repeating: 0, count: 64)

    mutating func end(answers: UInt32) {
        stopped += 1
        byAnswers[min(Int(answers), byAnswers.count - 1)] += 1
    }

    /// The median number of answers after which floods went silent; nil before the first did.
    var medianAnswers: Int? {
        guard stopped > 0 else { return nil }
        var seen: UInt64 = 0
        for (answers, floods) in byAnswers.enumerated() {
            seen += floods
            if seen * 2 >= stopped { return answers }
        }
        return nil
    }
}

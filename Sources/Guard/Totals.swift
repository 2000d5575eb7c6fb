import Policy
import Synchronization

/// What happened since the start, counted without locks.
final class Totals: Sendable {
    let pass = Atomic<UInt64>(0)
    let reject = Atomic<UInt64>(0)
    let ok200 = Atomic<UInt64>(0)
    let drop = Atomic<UInt64>(0)
    let shadow = Atomic<UInt64>(0)
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

    func count(_ decision: Decision, _ requests: Int) {
        let requests = UInt64(requests)
        switch decision.answer.verdict {
        case .pass: pass.add(requests, ordering: .relaxed)
        case .reject: reject.add(requests, ordering: .relaxed)
        case .ok200: ok200.add(requests, ordering: .relaxed)
        case .drop: drop.add(requests, ordering: .relaxed)
        }
        if decision.shadow != nil { shadow.add(requests, ordering: .relaxed) }
        if !decision.events.isEmpty { count(decision.events, decision.endedFloodAnswers) }
    }

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

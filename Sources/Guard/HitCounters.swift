import Policy
import Synchronization

/// How often each signature and limit of a policy matched. Goes with its ruleset; a reload carries the counts over by name.
final class HitCounters: Sendable {
    /// Signatures and, behind them, feeds, as the engine numbers them.
    private let signatures: [Counter]
    private let limits: [Counter]

    final class Counter: Sendable {
        let name: String
        /// When it was first part of the policy.
        let since: Instant
        let hits: Atomic<UInt64>
        init(_ name: String, _ before: [String: Counter], _ now: Instant) {
            let old = before[name]
            (self.name, since) = (name, old?.since ?? now)
            hits = Atomic(old?.hits.load(ordering: .relaxed) ?? 0)
        }
    }

    init(_ ruleset: Ruleset, carrying old: HitCounters?, now: Instant) {
        let before = Dictionary((old?.counters ?? []).map { ($0.name, $0) }) { first, _ in first }
        signatures = (ruleset.signatures + ruleset.feeds.map(\.mark)).map { Counter($0.name, before, now) }
        limits = ruleset.limits.map { Counter($0.name, before, now) }
    }

    func add(_ hits: Hits) {
        guard !hits.isEmpty else { return }
        hits.forEachSignature { signatures[$0].hits.add(1, ordering: .relaxed) }
        hits.forEachLimit { limits[$0].hits.add(1, ordering: .relaxed) }
    }

    var bySignature: [(String, UInt64)] { signatures.map { ($0.name, $0.hits.load(ordering: .relaxed)) } }
    var byLimit: [(String, UInt64)] { limits.map { ($0.name, $0.hits.load(ordering: .relaxed)) } }
    /// What may be a mistake, or just rare.
    var neverMatched: [String] { counters.filter { $0.hits.load(ordering: .relaxed) == 0 }.map(\.name) }

    /// What has never matched though it has been there for so long.
    func neverMatched(for duration: Duration, now: Instant) -> [String] {
        counters.filter { $0.hits.load(ordering: .relaxed) == 0 && now - $0.since >= duration }.map(\.name)
    }

    private var counters: [Counter] { signatures + limits }
}

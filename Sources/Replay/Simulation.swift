import Guard
import Policy
import PolicyFile

/// A daemon's memory and policy without the daemon: decides about requests of another time, in their time.
///
/// Time only moves when it is told to, and never back; nothing sleeps. What the daemon does once a second is done once for
/// each simulated second, so that incidents, floods and bans go as they would have gone. Not for several threads at once.
///
/// ```swift
/// let simulation = Simulation(policy: .builtIn)
/// let decision = simulation.check(facts, at: Instant(microseconds: 1_000_000))
/// simulation.report(.authFailed, facts, at: Instant(microseconds: 1_020_000))
/// ```
public final class Simulation {
    /// Tables as large as a small daemon's; a capture seldom holds more than some thousand sources.
    public static let defaultMemory = 16 << 20

    /// The tables, lists and counters, as a daemon has them.
    public let state: GuardState
    private let decider: Decider
    /// The latest instant so far; nil before the first.
    public private(set) var now: Instant?
    private var lastEvent = Instant.never

    /// - Parameter own: the addresses of the server that the requests went to, where the policy leaves them to be found.
    ///   Those of the machine that simulates are never among them.
    public init(policy: PolicyDocument, own: [Prefix] = [], memory: Int = defaultMemory) {
        let loaded = LoadedPolicy(
            document: policy, path: nil, loadedAt: Instant(microseconds: 0), own: policy.ruleset.addresses.own ?? own)
        state = GuardState(policy: loaded, memory: memory, version: "simulation")
        decider = Decider(state)
    }

    /// Decides about a request; an instant before the latest one counts as the latest.
    ///
    /// - Parameter feeds: the block feeds that named its source then; those that the policy has count.
    @discardableResult public func check(_ facts: RequestFacts, feeds: [String] = [], at instant: Instant) -> Decision {
        guard !feeds.isEmpty else { return decider.check(facts, at: step(to: instant)) }
        var named = facts
        for (place, rule) in state.feedRules.enumerated() where feeds.contains(rule.name) && rule.list == .block {
            named.feeds |= 1 << UInt32(place)
        }
        return decider.check(named, at: step(to: instant))
    }

    /// Takes what became of a request.
    public func report(_ outcome: Outcome, _ facts: RequestFacts, at instant: Instant) {
        decider.report(outcome, facts, at: step(to: instant))
    }

    /// How many attacks have been recognised.
    public var incidents: Int { state.incidentCount }

    /// Lets time pass without a request, to see what silence ends.
    public func advance(to instant: Instant) {
        guard let start = now, start < instant else {
            now = max(now ?? instant, instant)
            return
        }
        var next = start
        while true {
            next = next + pause(until: instant, from: next)
            guard next <= instant else { break }
            state.maintain(now: next)
            now = next
        }
        // The rest of a second is kept for the next time.
    }

    private func step(to instant: Instant) -> Instant {
        advance(to: instant)
        lastEvent = max(lastEvent, instant)
        return lastEvent
    }

    /// A second; in a long silence, in which little can change, a minute; and what is beyond a day at once.
    private func pause(until end: Instant, from instant: Instant) -> Duration {
        if instant - lastEvent < .seconds(600) { return .seconds(1) }
        let rest = end - instant
        return rest > .seconds(86_400) ? rest - .seconds(3600) : .seconds(60)
    }
}

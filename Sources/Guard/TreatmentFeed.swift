import Policy
import Synchronization

/// What changed about the treatment of a source, for those who act on it outside of a request.
///
/// A treatment ends by time alone, so nothing announces that: ``HeldTreatment/until`` says when, and asking again tells
/// whether it was prolonged.
public enum TreatmentChange: Sendable, Equatable {
    /// Behaviour began a treatment; the user is the one that the last request was about.
    case began(source: IPAddress, user: String?)
    case forgotten(source: IPAddress)
    /// By behaviour or by hand; a ban ends by time, or is found gone by asking again.
    case banned(source: Prefix)
}

/// Kinds of changes, for whoever wants to hear of some only.
public struct TreatmentKinds: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let began = Self(rawValue: 1)
    public static let forgotten = Self(rawValue: 2)
    public static let banned = Self(rawValue: 4)
    public static let all: Self = [.began, .forgotten, .banned]
}

/// Changes on their way from the threads that decide to one that acts. Bounded; whoever decides never waits for whoever acts.
public final class TreatmentFeed: Sendable {
    private struct State {
        var changes: [TreatmentChange] = []
        var missed = 0
    }

    private let state = Mutex(State())
    fileprivate let kinds: TreatmentKinds
    private let limit: Int
    private let wake: @Sendable () -> Void

    fileprivate init(_ kinds: TreatmentKinds, limit: Int, wake: @escaping @Sendable () -> Void) {
        (self.kinds, self.limit, self.wake) = (kinds, limit, wake)
    }

    fileprivate func add(_ change: TreatmentChange) {
        let isFirst = state.withLock { state in
            guard state.changes.count < limit else {
                state.missed += 1
                return false
            }
            state.changes.append(change)
            return state.changes.count == 1
        }
        if isFirst { wake() }
    }

    /// Everything since the last time, and how many more there were.
    public func drain() -> (changes: [TreatmentChange], missed: Int) {
        state.withLock { state in
            defer { state = State() }
            return (state.changes, state.missed)
        }
    }
}

/// Those who listen.
final class TreatmentFeeds: Sendable {
    private let all = Mutex<[TreatmentFeed]>([])
    /// What anybody wants to hear of: a flood announces much, mostly to nobody, with a record's lock held.
    private let wanted = Atomic<UInt8>(0)

    fileprivate func add(_ feed: TreatmentFeed) {
        all.withLock { $0.append(feed) }
        wanted.bitwiseOr(feed.kinds.rawValue, ordering: .releasing)
    }

    fileprivate func add(_ kind: TreatmentKinds, _ change: () -> TreatmentChange) {
        guard wanted.load(ordering: .acquiring) & kind.rawValue != 0 else { return }
        let change = change()
        // Told outside of the lock: a flood announces from many threads, and waking takes a call.
        for feed in all.withLock({ $0 }) where feed.kinds.contains(kind) { feed.add(change) }
    }
}

/// A treatment that holds for whatever its source sends.
public struct HeldTreatment: Sendable, Equatable {
    /// The address, or the network that counts as one source.
    public let source: Prefix
    public let rule: String
    /// What the source's next request would be answered with.
    public let verdict: Verdict
    public let until: Instant
}

extension GuardState {
    /// Begins to tell of treatments; `wake` is called by a thread that decides and must return at once.
    public func treatmentFeed(
        of kinds: TreatmentKinds = .all, limit: Int = 1024, wake: @escaping @Sendable () -> Void
    ) -> TreatmentFeed {
        let feed = TreatmentFeed(kinds, limit: limit, wake: wake)
        feeds.add(feed)
        return feed
    }

    /// - Parameter kind: the change's.
    func announce(_ kind: TreatmentKinds, _ change: @autoclosure () -> TreatmentChange) { feeds.add(kind, change) }

    /// The treatment that behaviour began and that holds for all that the source sends now; nil where there is none, and for
    /// sources that are protected or have earned trust: of those only single requests are treated.
    public func heldTreatment(of source: IPAddress, now: Instant = Clock.now) -> HeldTreatment? {
        let snapshot = publisher.current
        let ruleset = snapshot.engine.ruleset
        guard ruleset.mode == .enforce, let record = sources.record(of: ruleset.sources.key(of: source)),
            record.flood.isPresent, !record.flood.hasMarks, !record.isTrusted(ruleset.trust, now: now),
            !snapshot.addresses.standing(of: source, now: now).isProtected,
            let treatment = ruleset.treatment(record.flood.treatment),
            let rule = ruleset.limits.first(where: { $0.id == record.flood.rule && $0.mode == .enforce }),
            now - record.flood.lastMessage <= treatment.hold
        else { return nil }
        let isBanned = record.isBanned(now) || snapshot.addresses.ban(on: source, now: now) != nil
        let answer = isBanned ? ruleset.ban.answer : GuardSession.nextAnswer(record.flood, treatment)
        return HeldTreatment(
            source: ruleset.sources.prefix(of: source), rule: rule.name, verdict: answer.verdict,
            until: record.flood.lastMessage + treatment.hold)
    }
}

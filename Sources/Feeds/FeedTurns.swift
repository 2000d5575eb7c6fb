import Guard
import Policy

/// Where one feed comes from; keeps what is needed to get only news.
protocol FeedSource: AnyObject {
    /// Which version of the list it got last.
    var version: Version { get }
    func get() -> FeedOutcome
    /// Takes a version as got; none: the whole list is wanted again.
    func restore(_ version: Version)
}

extension FeedSource {
    var version: Version { Version() }
    func restore(_ version: Version) {}
}

/// What became of getting a feed.
enum FeedOutcome {
    case unchanged
    case content(FeedContent)
    case failed(String)
}

/// The feeds of one kind; for one thread.
final class FeedTurns {
    private struct Known {
        let origin: FeedOrigin
        let source: any FeedSource
        var schedule: RefreshSchedule
    }

    private let state: GuardState
    private let gets: (FeedOrigin) -> Bool
    private let saved: SavedLists?
    private let makeSource: (FeedRule) -> (any FeedSource)?
    private var known: [String: Known] = [:]
    private var wanted: Set<String>?
    private var refreshes = 0

    init(
        _ state: GuardState, gets: @escaping (FeedOrigin) -> Bool, saved: SavedLists? = nil,
        makeSource: @escaping (FeedRule) -> (any FeedSource)?
    ) {
        (self.state, self.gets, self.saved, self.makeSource) = (state, gets, saved, makeSource)
    }

    func take() {
        let (rules, now) = (state.feedRules.filter { gets($0.origin) }, Clock.now)
        let isAsked = state.feedRefreshes != refreshes
        refreshes = state.feedRefreshes
        let names = Set(rules.map(\.name))
        if names != wanted { saved?.remove(allBut: names) }
        wanted = names
        known = known.filter { names.contains($0.key) }
        // What was saved comes first: a server may keep all others waiting.
        for rule in rules where known[rule.name]?.origin != rule.origin { begin(rule, now) }
        for rule in rules {
            guard let feed = known[rule.name], isAsked || feed.schedule.isDue(now) else { continue }
            get(rule, feed)
        }
    }

    private func begin(_ rule: FeedRule, _ now: Instant) {
        known[rule.name] = makeSource(rule).map {
            Known(origin: rule.origin, source: $0, schedule: RefreshSchedule(next: now))
        }
        guard let source = known[rule.name]?.source, let list = saved?.load(rule) else { return }
        source.restore(list.version)
        state.feed(rule, held: list.content, since: list.loadedAt, confirmedAt: list.confirmedAt)
    }

    private func get(_ rule: FeedRule, _ feed: Known) {
        var feed = feed
        let (outcome, now, chance) = (feed.source.get(), Clock.now, Double.random(in: 0...1))
        if case .failed = outcome {
            feed.schedule.failed(now, every: rule.refresh, chance: chance)
        } else {
            feed.schedule.succeeded(now, every: rule.refresh, chance: chance)
        }
        let next = feed.schedule.next
        switch outcome {
        case .content(let content):
            state.feed(rule, holds: content, nextTry: next)
            if let problem = saved?.save(content, feed.source.version, of: rule) { state.feed(rule, notSaved: problem) }
        case .unchanged:
            state.feedIsUnchanged(rule, nextTry: next)
            // What could not be saved is asked for as a whole, and saved, the next time.
            if saved?.confirm(rule) == false { feed.source.restore(Version()) }
        case .failed(let problem): state.feed(rule, failed: problem, nextTry: next)
        }
        known[rule.name] = feed
    }
}

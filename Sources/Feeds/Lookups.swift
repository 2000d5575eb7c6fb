import Guard
import Policy
import RPC

/// A thread that gets one kind of thing again and again, each when it is due.
///
/// What there is to get is asked of the running policy at every turn, so a reload needs no word to it. Files, servers and names
/// have a thread each: who waits for a server does not keep a changed file from being read.
public final class Lookups: Sendable {
    private let worker: Worker
    private let makeTurn: @Sendable (Worker) -> (() -> Void)

    /// How long between two looks at what is due.
    static let pause = Duration.seconds(1)

    private init?(_ name: String, _ makeTurn: @escaping @Sendable (Worker) -> (() -> Void)) {
        guard let worker = Worker(named: name) else { return nil }
        (self.worker, self.makeTurn) = (worker, makeTurn)
    }

    /// 0 or an errno.
    public func start() -> Int32 {
        worker.start { [worker, makeTurn] in
            let turn = makeTurn(worker)
            while !worker.isStopping {
                turn()
                worker.sleep(until: .now + Self.pause)
            }
        }
    }

    /// A look-up of a name cannot be called back: the thread is left to itself then, and ends with the process.
    public func stop() { worker.stop(within: .seconds(1)) }

    /// Feeds from files.
    public static func files(_ state: GuardState) -> Lookups? {
        Lookups("feed-files") { _ in
            let turns = FeedTurns(state, gets: { if case .file = $0.place { true } else { false } }) { rule in
                FeedFile(rule.origin)
            }
            return turns.take
        }
    }

    /// Feeds from servers.
    public static func urls(_ state: GuardState) -> Lookups? {
        Lookups("feed-urls") { worker in
            let turns = FeedTurns(state, gets: { if case .url = $0.place { true } else { false } }) { rule in
                FeedURL(rule.origin) { worker.isStopping }
            }
            return turns.take
        }
    }

    /// The allow list's names.
    public static func names(_ state: GuardState) -> Lookups? {
        Lookups("allow-names") { worker in
            let turns = NameTurns(state, isCancelled: { worker.isStopping })
            return turns.take
        }
    }
}

/// Where one feed comes from; keeps what is needed to get only news.
protocol FeedSource: AnyObject {
    func get() -> FeedOutcome
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
    private let makeSource: (FeedRule) -> (any FeedSource)?
    private var known: [String: Known] = [:]
    private var refreshes = 0

    init(
        _ state: GuardState, gets: @escaping (FeedOrigin) -> Bool,
        makeSource: @escaping (FeedRule) -> (any FeedSource)?
    ) {
        (self.state, self.gets, self.makeSource) = (state, gets, makeSource)
    }

    func take() {
        let (rules, now) = (state.feedRules.filter { gets($0.origin) }, Clock.now)
        let isAsked = state.feedRefreshes != refreshes
        refreshes = state.feedRefreshes
        let names = Set(rules.map(\.name))
        known = known.filter { names.contains($0.key) }
        for rule in rules {
            if known[rule.name]?.origin != rule.origin {
                known[rule.name] = makeSource(rule).map {
                    Known(origin: rule.origin, source: $0, schedule: RefreshSchedule(next: now))
                }
            }
            guard let feed = known[rule.name], isAsked || feed.schedule.isDue(now) else { continue }
            get(rule, feed)
        }
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
        case .content(let content): state.feed(rule, holds: content, nextTry: next)
        case .unchanged: state.feedIsUnchanged(rule, nextTry: next)
        case .failed(let problem): state.feed(rule, failed: problem, nextTry: next)
        }
        known[rule.name] = feed
    }
}

/// A feed from a server.
final class FeedURL: FeedSource {
    private let download: Download
    private var version = Version()

    init?(_ origin: FeedOrigin, isCancelled: @escaping @Sendable () -> Bool) {
        guard case .url(let url, let keyFile, let authorities) = origin.place else { return nil }
        download = Download(
            origin: origin, url: url, keyFile: keyFile, authorities: authorities, isCancelled: isCancelled)
    }

    func get() -> FeedOutcome {
        switch download.get(since: version) {
        case .unchanged where version == Version():
            return .failed("the server says that nothing is new, but knows of nothing")
        case .unchanged: return .unchanged
        case .failed(let problem): return .failed(problem)
        case .content(let content, let version):
            self.version = version
            return .content(content)
        }
    }
}

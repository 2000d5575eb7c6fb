import Policy
import Synchronization

/// The networks of a feed, and the lines of it that were none.
public struct FeedContent: Sendable, Equatable {
    public let prefixes: [Prefix]
    /// The numbers of the first bad lines.
    public let badLines: [Int]
    public let badCount: Int

    public init(prefixes: [Prefix], badLines: [Int], badCount: Int) {
        (self.prefixes, self.badLines, self.badCount) = (prefixes, badLines, badCount)
    }
}

/// What the feeds hold now. What goes wrong leaves a list as it was.
final class FeedLists: Sendable {
    struct Status: Sendable {
        let origin: FeedOrigin
        let since: Instant
        var content: FeedContent?
        /// When the content came, and when it was last known to be the newest.
        var loadedAt: Instant?
        var confirmedAt: Instant?
        var problem: String?
        var nextTry: Instant?
    }

    private let feeds = Mutex<[String: Status]>([:])

    func status(of rule: FeedRule) -> Status? {
        feeds.withLock { $0[rule.name] }.flatMap { $0.origin == rule.origin ? $0 : nil }
    }

    /// Changes what is known of a feed, unless the policy has another origin for it by now.
    func update(_ rule: FeedRule, in rules: [FeedRule], now: Instant, _ change: (inout Status) -> Void) {
        feeds.withLock { feeds in
            var status = feeds[rule.name] ?? Status(origin: rule.origin, since: now)
            if status.origin != rule.origin { status = Status(origin: rule.origin, since: now) }
            change(&status)
            feeds[rule.name] = status
            let names = Set(rules.map(\.name))
            feeds = feeds.filter { names.contains($0.key) }
        }
    }

    /// Everything at once, for the rules of one policy.
    func table(_ rules: [FeedRule]) -> FeedTable {
        FeedTable(rules.map { $0.mark.mode == .off ? [] : status(of: $0)?.content?.prefixes ?? [] })
    }

    /// The allow lists among the rules, one bit each.
    static func allowMask(_ rules: [FeedRule]) -> UInt32 {
        rules.indices.reduce(0) { mask, index in
            let isAllowing = rules[index].list == .allow && rules[index].mark.mode == .enforce
            return isAllowing ? mask | 1 << UInt32(index) : mask
        }
    }
}

/// How whoever gets the feeds tells of them; it may be any thread that may wait.
extension GuardState {
    /// The running policy's feeds.
    public var feedRules: [FeedRule] { publisher.current.engine.ruleset.feeds }

    /// How often somebody has asked for all feeds to be got at once.
    public var feedRefreshes: Int { feedRefreshCount.load(ordering: .relaxed) }

    public func feed(_ rule: FeedRule, holds content: FeedContent, nextTry: Instant, now: Instant = Clock.now) {
        let old = feedLists.status(of: rule)
        hold(content, as: rule, isKnown: old?.content?.prefixes == content.prefixes, now) { status in
            (status.loadedAt, status.confirmedAt, status.problem, status.nextTry) = (now, now, nil, nextTry)
        }
        if old?.content != content || old?.problem != nil {
            events.add(.feedLoaded(rule.name, entries: content.prefixes.count, badLines: content.badCount))
        }
    }

    /// A list that was kept over a restart, until there is news.
    public func feed(
        _ rule: FeedRule, held content: FeedContent, since loadedAt: Instant, confirmedAt: Instant,
        now: Instant = Clock.now
    ) {
        hold(content, as: rule, isKnown: false, now) { status in
            (status.loadedAt, status.confirmedAt, status.nextTry) = (loadedAt, confirmedAt, now)
        }
        events.add(.feedRestored(rule.name, entries: content.prefixes.count, age: now - confirmedAt))
    }

    /// A list that could not be kept for the next start.
    public func feed(_ rule: FeedRule, notSaved problem: String) { events.add(.feedNotSaved(rule.name, problem)) }

    private func hold(
        _ content: FeedContent, as rule: FeedRule, isKnown: Bool, _ now: Instant,
        _ change: (inout FeedLists.Status) -> Void
    ) {
        func note() {
            feedLists.update(rule, in: feedRules, now: now) { status in
                status.content = content
                change(&status)
            }
        }
        guard !isKnown else { return note() }
        publish { addresses, ruleset in
            note()
            addresses.setFeeds(feedLists.table(ruleset.feeds), allow: FeedLists.allowMask(ruleset.feeds))
        }
    }

    public func feedIsUnchanged(_ rule: FeedRule, nextTry: Instant, now: Instant = Clock.now) {
        feedLists.update(rule, in: feedRules, now: now) { status in
            (status.confirmedAt, status.problem, status.nextTry) = (now, nil, nextTry)
        }
    }

    public func feed(_ rule: FeedRule, failed problem: String, nextTry: Instant, now: Instant = Clock.now) {
        var isNew = false
        feedLists.update(rule, in: feedRules, now: now) { status in
            isNew = status.problem != problem
            (status.problem, status.nextTry) = (problem, nextTry)
        }
        if isNew { events.add(.feedFailed(rule.name, problem)) }
    }
}

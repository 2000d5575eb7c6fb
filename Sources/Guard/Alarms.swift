import JSON
import Policy
import Synchronization

/// When silence is suspicious.
public struct AlarmSettings: Sendable, Equatable {
    /// No request for so long. Where only reports come, as from Asterisk's events, requests are missed after there were some.
    public var noRequests = Duration.seconds(600)
    /// Requests, but nothing reported of what became of them for so long.
    public var noReports = Duration.seconds(3600)
    /// A rule that the policy file itself writes out has matched nothing since it was read, so long ago.
    public var neverMatched = Duration.seconds(7 * 86_400)
    /// For how long after the last one proxies are remembered that let requests pass unasked.
    static let failOpenMemory = Duration.seconds(600)

    public init() {}
}

/// Something that makes the daemon blind or leaves it behind the times.
struct Alarm: Sendable, Equatable {
    let name: String
    /// What it is about, such as a feed's name; part of what tells two alarms apart.
    let subject: String
    let problem: String
    var since: Instant

    var key: String { "\(name) \(subject)" }
}

/// The alarms of the moment, and what they are judged by.
final class Alarms: Sendable {
    struct Watch: Sendable {
        var settings = AlarmSettings()
        var (requests, reports): (UInt64, UInt64) = (0, 0)
        var (lastRequest, lastReport): (Instant?, Instant?)
        /// When the watch began.
        var since: Instant?
        /// Requests since the last report.
        var unreported: UInt64 = 0
        /// What proxies say that they let pass unasked, by node.
        var unasked: [String: (count: UInt64, at: Instant)] = [:]
        var raised: [Alarm] = []
    }

    private static let mostNodes = 64
    private let watch = Mutex(Watch())

    var raised: [Alarm] { watch.withLock { $0.raised } }
    var settings: AlarmSettings { watch.withLock { $0.settings } }
    var unasked: [(node: String, count: UInt64)] {
        watch.withLock { $0.unasked.map { ($0.key, $0.value.count) } }.sorted { $0.node < $1.node }
    }

    func set(_ settings: AlarmSettings) { watch.withLock { $0.settings = settings } }

    /// A proxy has let that many requests pass without an answer of ours since it last said so.
    func passedUnasked(_ count: Int, node: String, now: Instant) {
        watch.withLock { watch in
            guard watch.unasked[node] != nil || watch.unasked.count < Self.mostNodes else { return }
            let before = watch.unasked[node]?.count ?? 0
            watch.unasked[node] = (before &+ UInt64(count), now)
        }
    }

    /// Looks at everything; what has begun and what is over.
    func judge(
        requests: UInt64, reports: UInt64, others: [Alarm], now: Instant
    ) -> (begun: [Alarm], over: [Alarm]) {
        watch.withLock { watch in
            watch.note(requests, reports, now)
            let before = Dictionary(watch.raised.map { ($0.key, $0) }) { first, _ in first }
            let present = (watch.alarms(now) + others).map { alarm in
                var alarm = alarm
                alarm.since = before[alarm.key]?.since ?? now
                return alarm
            }
            watch.raised = present
            let keys = Set(present.map(\.key))
            return (present.filter { before[$0.key] == nil }, before.values.filter { !keys.contains($0.key) })
        }
    }
}

extension Alarms.Watch {
    /// Requests without any report that make a missing report more than chance.
    static let many: UInt64 = 100

    fileprivate mutating func note(_ requests: UInt64, _ reports: UInt64, _ now: Instant) {
        if since == nil { since = now }
        if requests != self.requests { lastRequest = now }
        unreported += requests &- self.requests
        if reports != self.reports || lastReport == nil { lastReport = now }
        if reports != self.reports { unreported = 0 }
        (self.requests, self.reports) = (requests, reports)
    }

    fileprivate func alarms(_ now: Instant) -> [Alarm] {
        var alarms: [Alarm] = []
        if let last = lastRequest, now - last >= settings.noRequests {
            let text = "no request for \((now - last).secondsRoundedUp / 60) minutes: is the proxy still asking?"
            alarms.append(Alarm(name: "no-requests", subject: "", problem: text, since: now))
        } else if lastRequest == nil, reports == 0, let since, now - since >= settings.noRequests {
            let text =
                "nobody has asked since the start, \((now - since).secondsRoundedUp / 60) minutes ago: "
                + "does the proxy know the socket, and may it open it?"
            alarms.append(Alarm(name: "no-requests", subject: "", problem: text, since: now))
        }
        if let last = lastReport, now - last >= settings.noReports, unreported >= Self.many {
            let text = "requests come, but no guard.report: logins earn no trust and failures are not counted"
            alarms.append(Alarm(name: "no-reports", subject: "", problem: text, since: now))
        }
        for (node, entry) in unasked.sorted(by: { $0.key < $1.key })
        where now - entry.at < AlarmSettings.failOpenMemory {
            let text = "it let requests pass without an answer from here, \(entry.count) so far"
            alarms.append(Alarm(name: "fails-open", subject: node, problem: text, since: now))
        }
        return alarms
    }
}

extension GuardState {
    public func setAlarms(_ settings: AlarmSettings) { alarms.set(settings) }

    /// Raises and ends alarms; each change is an event.
    func judgeAlarms(_ now: Instant) {
        let requests =
            totals.pass.load(ordering: .relaxed) &+ totals.reject.load(ordering: .relaxed)
            &+ totals.ok200.load(ordering: .relaxed) &+ totals.drop.load(ordering: .relaxed)
        // What was dropped under a lease is no news of what became of a request.
        let reports = Outcome.allCases.filter { $0 != .dropped }.reduce(0) { $0 &+ totals.count(of: $1) }
        let changes = alarms.judge(
            requests: requests, reports: reports, others: feedAlarms(now) + nameAlarms(now) + ruleAlarms(requests, now),
            now: now)
        for alarm in changes.begun { events.add(.alarmRaised(alarm.name, alarm.subject, alarm.problem)) }
        for alarm in changes.over { events.add(.alarmOver(alarm.name, alarm.subject)) }
    }

    private func feedAlarms(_ now: Instant) -> [Alarm] {
        feedRules.compactMap { rule in
            guard let status = feedLists.status(of: rule), status.problem != nil else { return nil }
            guard let confirmed = status.confirmedAt else {
                let text = "it was never had; \(status.problem ?? "")"
                return Alarm(name: "feed-stale", subject: rule.name, problem: text, since: now)
            }
            guard now - confirmed > rule.refresh * 3 else { return nil }
            let text = "it is \((now - confirmed).secondsRoundedUp) s old; \(status.problem ?? "")"
            return Alarm(name: "feed-stale", subject: rule.name, problem: text, since: now)
        }
    }

    private func nameAlarms(_ now: Instant) -> [Alarm] {
        let answers = names.current.answers
        return allowedNames.compactMap { entry in
            guard let answer = answers[entry.name.name.lowercased()], let problem = answer.problem else { return nil }
            let text =
                answer.resolvedAt == nil
                ? "it was never resolved, so nobody is allowed by it; \(problem)"
                : "it does not resolve, its last addresses stay allowed; \(problem)"
            return Alarm(name: "name-not-resolved", subject: entry.name.name, problem: text, since: now)
        }
    }

    /// The built-in rules are right and wait for their attackers; one's own may have a slip.
    private func ruleAlarms(_ requests: UInt64, _ now: Instant) -> [Alarm] {
        let snapshot = publisher.current
        let own = snapshot.policy.document.ownRules
        guard !own.isEmpty, requests >= Alarms.Watch.many else { return [] }
        let ruleset = snapshot.engine.ruleset
        let off = Set(
            ruleset.signatures.filter { $0.mode == .off }.map(\.name)
                + ruleset.limits.filter { $0.mode == .off }.map(\.name))
        let limit = alarms.settings.neverMatched
        return snapshot.hits.neverMatched(for: limit, now: now).filter { own.contains($0) && !off.contains($0) }.map {
            let text = "nothing has matched it for \(limit.secondsRoundedUp / 86_400) days: does it say what is meant?"
            return Alarm(name: "never-matched", subject: $0, problem: text, since: now)
        }
    }
}

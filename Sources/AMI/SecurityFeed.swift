import Guard
import Policy
import RPC
import Synchronization

/// Something about the feed that an operator wants to read, once for each change.
public enum FeedEvent: Sendable, Equatable {
    /// Logged in; after a gap, what happened meanwhile is not known.
    case connected(afterGap: Duration?)
    case lost(reason: String)
    /// The first frame since the last connection that was not as Asterisk writes them.
    case malformed
}

/// What the feed has seen since the start.
public struct FeedCounters: Sendable, Equatable {
    public var events = 0
    public var reports = 0
    public var malformed = 0
    public var gaps = 0
}

/// Reads Asterisk's security events and reports them to the engine, for as long as the daemon runs.
///
/// A thread of its own with a blocking socket: Asterisk closes a session that does not read fast enough, so nothing else is
/// done here. It connects again by itself, later each time, and says once that there is a gap.
public final class SecurityFeed: Sendable {
    /// Times of the feed; tests make them shorter.
    public struct Timing: Sendable {
        public var connect = Duration.seconds(2)
        public var firstRetry = Duration.milliseconds(200)
        public var lastRetry = Duration.seconds(10)
        /// So long without a word: Asterisk is asked for one, and has as long again.
        public var idle = Duration.seconds(10)
        public init() {}
    }

    private let account: ManagerAccount
    private let state: GuardState
    private let timing: Timing
    private let worker: Worker
    private let onEvent: @Sendable (FeedEvent) -> Void
    private let onFailure: @Sendable (IPAddress, String) -> Void
    private let totals = Mutex(FeedCounters())

    /// - Parameter onFailure: is told of every user that was tried in vain, by the feed's thread.
    public init?(
        account: ManagerAccount, state: GuardState, timing: Timing = Timing(),
        onFailure: @escaping @Sendable (IPAddress, String) -> Void = { _, _ in },
        onEvent: @escaping @Sendable (FeedEvent) -> Void
    ) {
        guard let worker = Worker(named: "ami-feed") else { return nil }
        (self.account, self.state, self.timing, self.worker) = (account, state, timing, worker)
        (self.onEvent, self.onFailure) = (onEvent, onFailure)
    }

    public var counters: FeedCounters { totals.withLock { $0 } }

    /// Begins to read; 0 or an errno.
    public func start() -> Int32 { worker.start { [self] in run() } }

    public func stop() { worker.stop(within: .seconds(5)) }

    private func run() {
        let decider = Decider(state)
        var retry = timing.firstRetry
        var lostAt: ContinuousClock.Instant?
        while !worker.isStopping {
            var isOpen = false
            let reason = session(decider) {
                onEvent(.connected(afterGap: lostAt.map { ContinuousClock.now - $0 }))
                (isOpen, lostAt, retry) = (true, nil, timing.firstRetry)
            }
            if worker.isStopping { return }
            if lostAt == nil {
                lostAt = .now
                if isOpen { totals.withLock { $0.gaps += 1 } }
                onEvent(.lost(reason: reason))
            }
            worker.sleep(until: .now + retry)
            retry = min(retry * 2, timing.lastRetry)
        }
    }

    /// One connection from beginning to end; why it ended.
    private func session(_ decider: Decider, opened: () -> Void) -> String {
        let stream: ClientStream
        do throws(RPCClientError) {
            stream = try ClientStream(host: account.host, port: account.port, timeout: timing.connect)
        } catch {
            return "\(error)"
        }
        var session = ManagerSession(account: account)
        var space = [UInt8](repeating: 0, count: 64 * 1024)
        var hasPinged = false
        while true {
            let received = space.withUnsafeMutableBytes {
                stream.receive(into: $0, until: .now + timing.idle, unlessStopped: worker)
            }
            switch received {
            case .closed: return "Asterisk closed the connection"
            case .timedOut:
                guard !hasPinged, stream.send(ManagerSession.ping, timeout: timing.connect) else {
                    return "Asterisk says nothing"
                }
                hasPinged = true
            case .bytes(let count):
                hasPinged = false
                space.withUnsafeBytes { session.receive(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                if let failure = serve(&session, stream, decider, opened) { return failure }
            }
        }
    }

    /// Does what the session says until it needs more; nil, or why it is over.
    private func serve(
        _ session: inout ManagerSession, _ stream: ClientStream, _ decider: Decider, _ opened: () -> Void
    ) -> String? {
        let before = (session.eventCount, session.malformedCount)
        var reports = 0
        defer { count(session, before, reports) }
        while true {
            switch session.next() {
            case .needMore: return nil
            case .send(let bytes): if !stream.send(bytes, timeout: timing.connect) { return "the login was not taken" }
            case .loggedIn: opened()
            case .fail(let failure): return failure.rawValue
            case .report(let report):
                reports += 1
                tell(report, decider)
            }
        }
    }

    private func tell(_ report: Report, _ decider: Decider) {
        var facts = RequestFacts(source: report.source)
        facts.transport = report.transport
        facts.nonceIsValid = report.provesSource
        report.callID.withUnsafeBufferPointer { callID in
            facts[.callID] = callID
            guard let user = report.user else { return decider.report(report.outcome, facts) }
            user.withUnsafeBufferPointer { user in
                facts[.authUser] = user
                if report.outcome == .unknownUser || report.outcome == .authFailed {
                    onFailure(report.source, user.text)
                }
                decider.report(report.outcome, facts)
            }
        }
    }

    private func count(_ session: ManagerSession, _ before: (events: Int, malformed: Int), _ reports: Int) {
        totals.withLock { totals in
            totals.events += session.eventCount - before.events
            totals.malformed += session.malformedCount - before.malformed
            totals.reports += reports
        }
        if before.malformed == 0, session.malformedCount > 0 { onEvent(.malformed) }
    }
}

import Guard
import JSON
import Policy
import RPC
import Synchronization

/// Where Kamailio takes bans.
public struct KamailioTable: Sendable, Equatable {
    /// The datagram socket of its jsonrpcs module.
    public var socket: String
    public var htable = "sipguard_ban"
    /// Entries, at most.
    public var most = 10_000

    public init(socket: String) { self.socket = socket }
}

/// Something about the push that an operator wants to read, once for each change.
public enum PushEvent: Sendable, Equatable {
    /// Kamailio has the bans; how many.
    case reached(bans: Int)
    case failing(String)
    /// No more bans are pushed until some are over.
    case full(Int)
}

/// Keeps a table of Kamailio's as the bans are, so that what a banned source sends is dropped without a question.
///
/// A thread of its own. It is woken by each ban, and looks once a second, whatever wakes it, at those it has pushed: the
/// engine's state is the truth, and whoever is not banned any more, or has become protected, leaves. After a change of the
/// policy or of the lists it looks for all bans again. An entry of its own in the table tells whether Kamailio still has the
/// others.
public final class BanPush: Sendable {
    /// Times of the push; tests make them shorter.
    public struct Timing: Sendable {
        public var look = Duration.seconds(1)
        /// Looks for all bans at the latest: what keeps one from being pushed may end by time alone.
        public var search = Duration.seconds(60)
        /// For Kamailio to answer one call.
        public var answer = Duration.milliseconds(200)
        public var firstRetry = Duration.milliseconds(500)
        public var lastRetry = Duration.seconds(5)
        public init() {}
    }

    private let table: KamailioTable
    private let state: GuardState
    private let timing: Timing
    private let worker: Worker
    private let feed: TreatmentFeed
    private let onEvent: @Sendable (PushEvent) -> Void
    private let counts = Mutex((failures: 0, leftOut: 0))

    /// nil where the system has no descriptors left.
    ///
    /// - Parameter news: bans that are told between two looks, at most; with more of them it looks for all.
    public init?(
        table: KamailioTable, state: GuardState, timing: Timing = Timing(), news: Int = 1024,
        onEvent: @escaping @Sendable (PushEvent) -> Void
    ) {
        guard let worker = Worker(named: "kamailio-push") else { return nil }
        (self.table, self.state, self.timing, self.worker, self.onEvent) = (table, state, timing, worker, onEvent)
        feed = state.treatmentFeed(of: .banned, limit: news) { worker.wake() }
    }

    /// Calls that failed, and bans for which there was no room.
    public var failures: Int { counts.withLock { $0.failures } }
    public var leftOut: Int { counts.withLock { $0.leftOut } }

    /// Begins to push; 0 or an errno.
    public func start() -> Int32 { worker.start { [self] in run() } }

    /// Takes the bans out of Kamailio and ends.
    public func stop() { worker.stop(within: .seconds(2)) }

    private func run() {
        let decider = Decider(state, once: true)
        var post = Post(table, timing) { decider.wasDropped($1, of: $0) }
        while !worker.isStopping {
            if post.nextLook <= .now { look(&post) }
            if post.retryAt.map({ $0 <= .now }) ?? true { bringAbout(&post) }
            worker.sleep(until: post.nextWork)
            takeNews(&post)
        }
        // Nobody would lift them.
        if post.retryAt == nil { try? post.clear(ofBans: post.bans.there) }
    }

    private func look(_ post: inout Post) {
        (post.nextLook, post.isSealKnown) = (.now + timing.look, false)
        for source in post.bans.sources { want(source, &post) }
        let generation = state.generation
        if generation != post.generation || post.hasMissed || post.nextSearch <= .now {
            (post.generation, post.hasMissed, post.nextSearch) = (generation, false, .now + timing.search)
            for source in state.bannedSources(where: { EntryName.of($0) != nil }) { want(source, &post) }
        }
        tellWhatIsLeftOut(&post)
    }

    private func takeNews(_ post: inout Post) {
        let news = feed.drain()
        for case .banned(let source) in news.changes where EntryName.of(source) != nil { want(source, &post) }
        if news.missed > 0 { post.hasMissed = true }
        tellWhatIsLeftOut(&post)
    }

    private func want(_ source: Prefix, _ post: inout Post) {
        if let until = state.silentBan(of: source) {
            post.bans.want(source, until: until)
        } else {
            post.bans.drop(source)
        }
    }

    private func tellWhatIsLeftOut(_ post: inout Post) {
        counts.withLock { $0.leftOut = post.bans.leftOut }
        let isLeftOut = post.bans.hasWaiting
        if isLeftOut, !post.saidFull { onEvent(.full(table.most)) }
        post.saidFull = isLeftOut
    }

    /// Makes the table as it is to be.
    private func bringAbout(_ post: inout Post) {
        do throws(ManagementSocket.Failure) {
            let isAnew = post.isSealKnown ? false : try post.begin()
            post.isSealKnown = true
            try post.push { worker.isStopping }
            if isAnew || post.isFailing { onEvent(.reached(bans: post.bans.count)) }
            (post.isFailing, post.retryAt, post.retry) = (false, nil, timing.firstRetry)
        } catch {
            counts.withLock { $0.failures += 1 }
            if !post.isFailing { onEvent(.failing("\(error)")) }
            (post.isFailing, post.isSealKnown, post.retryAt) = (true, false, .now + post.retry)
            post.retry = min(post.retry * 2, timing.lastRetry)
        }
    }
}

/// What the push's thread keeps.
private struct Post {
    private let socket: ManagementSocket
    private let htable: JSONValue
    /// Takes what an entry has counted that leaves the table.
    private let onCounted: (Prefix, Int) -> Void
    /// The entry that says the table is ours and as we left it; each run has its own.
    private let seal = JSONValue.string("sipguardd " + String(UInt64.random(in: .min ... .max), radix: 16))
    var bans: PushedBans
    var retry: Duration
    var retryAt: ContinuousClock.Instant?
    var isFailing = false
    var saidFull = false
    /// Whether the seal has been seen since the last look.
    var isSealKnown = false
    var nextLook = ContinuousClock.now
    var nextSearch = ContinuousClock.now
    /// The state's at the last search.
    var generation: UInt64 = 0
    /// Bans that were not told, since there were too many.
    var hasMissed = false
    private var hasBegun = false

    var nextWork: ContinuousClock.Instant { retryAt.map { min($0, nextLook) } ?? nextLook }

    init(_ table: KamailioTable, _ timing: BanPush.Timing, onCounted: @escaping (Prefix, Int) -> Void) {
        self.onCounted = onCounted
        socket = ManagementSocket(path: table.socket, timeout: timing.answer)
        (htable, bans, retry) = (.string(table.htable), PushedBans(most: table.most), timing.firstRetry)
    }

    /// Whether the table had to be begun anew: after a start of either, and after a flush by somebody else.
    mutating func begin() throws(ManagementSocket.Failure) -> Bool {
        do throws(ManagementSocket.Failure) {
            try socket.call("htable.get", [htable, seal])
            return false
        } catch {
            guard case .refused = error else { throw error }
        }
        // A run before may have ended without taking out its own; later there is nothing left that could have counted.
        try clear(ofBans: hasBegun ? [] : bans.sources)
        bans.tableWasEmptied()
        try socket.call("htable.setxi", [htable, seal, 0, 31_536_000])
        hasBegun = true
        return true
    }

    /// Empties the table. Entries that may be there are taken out singly, since they have counted, as far as there is time.
    func clear(ofBans sources: [Prefix]) throws(ManagementSocket.Failure) {
        let end = ContinuousClock.now + .seconds(1)
        for source in sources {
            if end <= .now { break }
            try takeOut(source)
        }
        try socket.call("htable.flush", [htable])
    }

    /// Takes an entry out and tells what it has counted since Kamailio reported it last.
    private func takeOut(_ source: Prefix) throws(ManagementSocket.Failure) {
        do throws(ManagementSocket.Failure) {
            let entry = try socket.call("htable.get", [htable, name(of: source)])
            try socket.call("htable.delete", [htable, name(of: source)])
            if let count = entry["item"]?["value"]?.int64, count > 0 { onCounted(source, Int(min(count, 1_000_000))) }
        } catch {
            // it has run out there
            guard case .refused = error else { throw error }
        }
    }

    mutating func push(until isStopping: () -> Bool) throws(ManagementSocket.Failure) {
        while !isStopping() {
            let steps = bans.steps(now: Clock.now)
            if steps.isEmpty { return }
            for step in steps {
                try take(step)
                bans.wasTaken(step)
            }
        }
    }

    private func take(_ step: PushedBans.Step) throws(ManagementSocket.Failure) {
        switch step {
        case .add(let source, let seconds):
            try socket.call("htable.setxi", [htable, name(of: source), 0, .int(Int64(seconds))])
        case .prolong(let source, let seconds):
            try socket.call("htable.setex", [htable, name(of: source), .int(Int64(seconds))])
        case .remove(let source): try takeOut(source)
        }
    }

    /// Nothing without a name is wanted.
    private func name(of source: Prefix) -> JSONValue { .string(EntryName.of(source) ?? source.description) }
}

extension Decider {
    /// Counts what Kamailio has dropped, as if it had reported that itself.
    fileprivate func wasDropped(_ count: Int, of source: Prefix) {
        var facts = RequestFacts(source: source.first)
        facts.count = count
        report(.dropped, facts)
    }
}

import Policy
import PolicyFile
import State
import Synchronization

/// The one owner of everything that lasts: tables, lists, counters and the running policy.
public final class GuardState: Sendable {
    /// Shared memory of the tables, at most, unless the configuration says otherwise.
    public static let defaultMemory = 64 << 20

    let sources: SourceTable
    let counters: CounterTable
    let lists = AddressLists()
    let names = AllowedNames()
    let feedLists = FeedLists()
    let feedRefreshCount = Atomic<Int>(0)
    let alarms = Alarms()
    let incidents = IncidentTable()
    let totals = Totals()
    let events = EventQueue()
    let feeds = TreatmentFeeds()
    let publisher: SnapshotPublisher
    let startedAt: Instant
    let version: String
    private let policyPath: String?
    private let decisions: Atomic<UInt64>
    private let listeners = Mutex<[@Sendable () -> ListenerReport]>([])
    private let errorCounts = Mutex<[(name: String, count: @Sendable () -> Int)]>([])
    let stateFile: StateFile?
    /// Where decisions are written down, if they are.
    let decisionLog: DecisionLog?

    /// Half of the memory goes to the records of sources and half to counters.
    public init(
        policy: LoadedPolicy, memory: Int = defaultMemory, version: String, stateFile: StateFile? = nil,
        decisionLog: DecisionLog? = nil
    ) {
        // One key, so that a source is hashed once for both.
        let key = SipHash.Key()
        sources = SourceTable(bytes: memory / 2, key: key)
        counters = CounterTable(bytes: memory / 2, key: key)
        startedAt = Clock.now
        self.version = version
        (self.stateFile, self.decisionLog) = (stateFile, decisionLog)
        policyPath = policy.path
        // Ids of two runs of the daemon must not meet: they begin with the time of the start.
        decisions = Atomic(UInt64(Clock.wallMicroseconds / 1_000_000) << 28)
        publisher = SnapshotPublisher(
            Snapshot(
                policy: policy, addresses: Self.book(policy), store: counters,
                hits: HitCounters(policy.document.ruleset, carrying: nil, now: policy.loadedAt)))
        if let decisionLog { addErrorCount("decisions_not_logged") { decisionLog.lost } }
    }

    /// How many attacks have been recognised since the start.
    public var incidentCount: Int { incidents.count }

    /// Ids of decisions to come.
    func nextDecisions(_ count: UInt64) -> Range<UInt64> {
        let ids = decisions.add(count, ordering: .relaxed)
        return (ids.oldValue + 1)..<(ids.newValue + 1)
    }

    /// Tells `stats.get` of an error count that is kept elsewhere.
    public func addErrorCount(_ name: String, _ count: @escaping @Sendable () -> Int) {
        errorCounts.withLock { $0.append((name, count)) }
    }

    var otherErrors: [(name: String, count: Int)] { errorCounts.withLock { $0 }.map { ($0.name, $0.count()) } }

    /// Tells `stats.get` of one more listener.
    public func addListener(_ report: @escaping @Sendable () -> ListenerReport) {
        listeners.withLock { $0.append(report) }
    }

    var listenerReports: [ListenerReport] { listeners.withLock { $0 }.map { $0() } }

    /// Events to log, and how many more there were.
    public func drainEvents() -> (events: [GuardEvent], dropped: Int) { events.drain() }

    private static func book(_ policy: LoadedPolicy) -> AddressBook {
        var book = AddressBook(own: policy.own, trustedProxies: policy.trustedProxies)
        book.fixed = policy.fixed
        return book
    }

    /// Publishes a change of the lists; whatever is not changed is shared with the snapshot before.
    func publish(_ change: (inout AddressBook, Ruleset) -> Void) {
        publisher.update { old in
            var addresses = old.addresses.copy()
            change(&addresses, old.engine.ruleset)
            return Snapshot(policy: old.policy, addresses: addresses, store: counters, hits: old.hits)
        }
    }

    /// Publishes the run-time lists as they are now, to be saved.
    func publishLists() {
        publishRestoredLists()
        stateFile?.markChanged()
    }

    /// The same for lists that are as they were saved.
    func publishRestoredLists() {
        publish { addresses, _ in
            // Read here, where changes never overlap: so the newest lists are published last.
            (addresses.allowed, addresses.banned) = (lists.current.allowed, lists.current.banned)
        }
    }

    private func publish(_ policy: LoadedPolicy) {
        publisher.update { old in
            var addresses = old.addresses.copy()
            addresses.protect(own: policy.own, trustedProxies: policy.trustedProxies)
            addresses.fixed = policy.fixed
            let feeds = policy.document.ruleset.feeds
            addresses.setFeeds(feedLists.table(feeds), allow: FeedLists.allowMask(feeds))
            return Snapshot(
                policy: policy, addresses: addresses, store: counters,
                hits: HitCounters(policy.document.ruleset, carrying: old.hits, now: policy.loadedAt))
        }
    }

    /// Reads the policy again: all of it counts or, where it has mistakes, nothing. Counters, trust and bans stay.
    public func reload() throws(PolicyProblems) {
        do throws(PolicyProblems) {
            let document = try policyPath.map { path throws(PolicyProblems) in try PolicyDocument.load(path: path) }
            let policy = LoadedPolicy(document: document ?? .builtIn, path: policyPath, loadedAt: Clock.now)
            publish(policy)
            publishNames()
            totals.reloads.add(1, ordering: .relaxed)
            let ruleset = policy.document.ruleset
            events.add(
                .policyReloaded(path: policyPath, rules: ruleset.limits.count, signatures: ruleset.signatures.count))
        } catch {
            totals.failedReloads.add(1, ordering: .relaxed)
            events.add(.policyRefused(path: policyPath, problems: error.problems.map(\.description)))
            throw error
        }
    }

    /// Work that no request should do: call it about once a second.
    public func maintain(now: Instant = Clock.now) {
        if lists.expire(at: now) { publishLists() }
        expireNames(now)
        judgeAlarms(now)
        settleFloods(now)
        for incident in incidents.close(at: now) { events.add(.attackOver(incident)) }
        saveState()
    }

    /// Looks for new addresses of the machine, where the policy leaves them to be found.
    public func refreshOwnAddresses() {
        let policy = publisher.current.policy
        let fresh = LoadedPolicy(document: policy.document, path: policy.path, loadedAt: policy.loadedAt)
        guard fresh.own != policy.own else { return }
        publish(fresh)
        events.add(.ownAddressesChanged(fresh.own))
    }

    /// Counts floods that have gone silent. A banned source was not stopped by answers.
    private func settleFloods(_ now: Instant) {
        guard totals.hasOpenFloods else { return }
        let engine = publisher.current.engine
        let answers = sources.compactMap { record -> UInt32? in
            guard record.flood.isPresent, !record.flood.isSettled, !record.isBanned(now),
                now - record.flood.lastMessage > engine.ruleset.quiet
            else { return nil }
            return engine.settle(&record.flood) ? record.flood.answers : nil
        }
        guard !answers.isEmpty else { return }
        totals.floods.withLock { floods in
            for count in answers { floods.end(answers: count) }
        }
    }
}

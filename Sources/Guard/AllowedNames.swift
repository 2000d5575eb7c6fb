import Policy
import Synchronization

/// Names of the allow list and the addresses that they had when they were last looked up; a name that fails keeps its last.
final class AllowedNames: Sendable {
    /// A name that was allowed at run time.
    struct Entry: Sendable {
        let name: AllowedName
        let since: Instant
        let by: String

        func holds(_ now: Instant) -> Bool { name.until.map { Clock.instant(ofWallSeconds: $0) > now } ?? true }
    }

    struct Answer: Sendable {
        let since: Instant
        var addresses: [IPAddress] = []
        var resolvedAt: Instant?
        var problem: String?
    }

    struct Known: Sendable {
        var added: [String: Entry] = [:]
        var answers: [String: Answer] = [:]
    }

    /// Names at run time, and addresses of one name.
    static let limit = 256
    static let mostAddresses = 16

    private let known = Mutex(Known())

    var current: Known { known.withLock { $0 } }

    func update<Result: Sendable>(_ change: (inout sending Known) -> sending Result) -> Result {
        known.withLock(change)
    }
}

/// How whoever looks names up tells of them; it may be any thread that may wait.
extension GuardState {
    /// The names that are allowed now, the policy's and those added at run time.
    var allowedNames: [AllowedNames.Entry] {
        let policy = publisher.current.policy
        let fixed = policy.document.ruleset.addresses.allowNames.map {
            AllowedNames.Entry(name: $0, since: policy.loadedAt, by: "policy")
        }
        let added = names.current.added.values.sorted { $0.name.name < $1.name.name }
        return (fixed + added).filter { $0.holds(Clock.now) }
    }

    /// What has to be looked up, each name once.
    public var wantedNames: [AllowedName] {
        var seen: Set<String> = []
        return allowedNames.map(\.name).filter { seen.insert($0.name.lowercased()).inserted }
    }

    /// The addresses that a name has; more than a few count as none of its own.
    public func name(_ name: String, has addresses: [IPAddress], now: Instant = Clock.now) {
        let addresses = Array(addresses.prefix(AllowedNames.mostAddresses))
        let wasKnown = names.update { known in
            let old = known.answers[name.lowercased()]
            known.answers[name.lowercased()] = AllowedNames.Answer(
                since: old?.since ?? now, addresses: addresses, resolvedAt: now)
            return old?.addresses == addresses && old?.problem == nil
        }
        guard !wasKnown else { return }
        publishNames()
        events.add(.nameResolved(name, addresses))
    }

    public func name(_ name: String, failed problem: String, now: Instant = Clock.now) {
        let isNew = names.update { known in
            var answer = known.answers[name.lowercased()] ?? AllowedNames.Answer(since: now)
            defer { known.answers[name.lowercased()] = answer }
            defer { answer.problem = problem }
            return answer.problem != problem
        }
        if isNew { events.add(.nameNotResolved(name, problem)) }
    }

    /// Publishes the addresses of all names that are still wanted.
    func publishNames() {
        publish { addresses, _ in addresses.named = namedAddresses() }
    }

    func namedAddresses() -> AddressList {
        let (names, answers) = (allowedNames, self.names.current.answers)
        let entries = names.flatMap { entry in
            (answers[entry.name.name.lowercased()]?.addresses ?? []).map { address in
                AddressEntry(
                    prefix: Prefix(address), since: entry.since,
                    until: entry.name.until.map(Clock.instant(ofWallSeconds:)), comment: entry.name.comment,
                    by: entry.by, name: entry.name.name)
            }
        }
        // Of two names with one address the one that holds longer counts.
        return AddressList(entries.sorted { ($0.until ?? .forever) < ($1.until ?? .forever) })
    }

    /// Forgets names that are no longer wanted.
    func expireNames(_ now: Instant) {
        let isOver = names.update { known in
            let before = known.added.count
            known.added = known.added.filter { $0.value.holds(now) }
            return known.added.count != before
        }
        if isOver { namesChanged() }
    }

    /// A name has come or gone.
    func namesChanged() {
        let wanted = Set(wantedNames.map { $0.name.lowercased() })
        names.update { known in known.answers = known.answers.filter { wanted.contains($0.key) } }
        publishNames()
        stateFile?.markChanged()
    }
}

extension Instant {
    fileprivate static let forever = Instant(microseconds: .max)
}

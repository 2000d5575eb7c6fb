import Policy
import PolicyFile
import State
import Synchronization

/// All that a decision reads besides the tables: policy, addresses, counters of hits. Immutable; replaced as a whole.
final class Snapshot: Sendable {
    let policy: LoadedPolicy
    let addresses: AddressBook
    let engine: Engine
    let hits: HitCounters

    init(policy: LoadedPolicy, addresses: consuming AddressBook, store: any CounterStore, hits: HitCounters) {
        (self.policy, self.hits) = (policy, hits)
        self.addresses = addresses
        engine = Engine(ruleset: policy.document.ruleset, store: store)
    }
}

extension Snapshot {
    /// The feeds that name an address.
    func feeds(naming address: IPAddress) -> [String] {
        let bits = addresses.feeds(naming: address) | addresses.allowFeeds(naming: address)
        let feeds = engine.ruleset.feeds
        return feeds.indices.filter { bits & 1 << UInt32($0) != 0 }.map { feeds[$0].name }
    }

    /// In words, who names an address.
    func naming(_ address: IPAddress, now: Instant) -> String {
        let allowance = addresses.allowance(of: address, now: now).map { entry in
            "allow list: \(entry.name.map { $0 + ", " } ?? "")\(entry.prefix) by \(entry.by)"
        }
        let named = [allowance].compactMap { $0 } + feeds(naming: address).map { "feed \($0)" }
        return named.isEmpty ? "no allow list and no feed names \(address)" : named.joined(separator: "; ")
    }
}

/// A policy and where it came from.
public struct LoadedPolicy: Sendable {
    public let document: PolicyDocument
    /// nil: the built-in one.
    public let path: String?
    public let loadedAt: Instant
    /// The machine's own addresses, as the policy says or as found.
    public let own: [Prefix]
    /// What the policy file allows by address.
    let fixed: AddressList

    public init(document: PolicyDocument, path: String?, loadedAt: Instant) {
        let own = document.ruleset.addresses.own ?? OwnAddresses.find()
        self.init(document: document, path: path, loadedAt: loadedAt, own: own)
    }

    /// A policy for a machine whose addresses are known: that of a recording.
    public init(document: PolicyDocument, path: String?, loadedAt: Instant, own: [Prefix]) {
        (self.document, self.path, self.loadedAt, self.own) = (document, path, loadedAt, own)
        fixed = AddressList(
            document.ruleset.addresses.allow.map {
                AddressEntry(
                    prefix: $0.prefix, since: loadedAt, until: $0.until.map(Clock.instant(ofWallSeconds:)),
                    comment: $0.comment, by: "policy")
            })
    }

    var trustedProxies: [Prefix] { document.ruleset.addresses.trustedProxies }
}

/// Where the newest snapshot is found.
///
/// Every connection keeps the snapshot that it last saw and compares one number before each request; only after a change
/// does it take the lock.
final class SnapshotPublisher: Sendable {
    private let changes = Atomic<UInt64>(1)
    private let newest: Mutex<Snapshot>
    /// Held while a change is made, which may take a while; a reader never waits for it.
    private let changing = Mutex(())

    init(_ first: Snapshot) { newest = Mutex(first) }

    /// Another number after each change; read before `current`, so that a change in between is seen the next time.
    var generation: UInt64 { changes.load(ordering: .acquiring) }

    var current: Snapshot { newest.withLock { $0 } }

    /// What is read while no change is under way: nothing is told that does not hold yet.
    func settled<Result: Sendable>(_ read: () -> Result) -> Result { changing.withLock { _ in read() } }

    /// Replaces the snapshot by one made from it; changes never overlap.
    func update(_ change: (Snapshot) -> Snapshot) {
        changing.withLock { _ in
            let next = change(current)
            newest.withLock { $0 = next }
            changes.add(1, ordering: .releasing)
        }
    }
}

import Policy
import Synchronization

/// What people have put on the allow list and the ban list at run time; the policy's own entries are not kept here.
final class AddressLists: Sendable {
    struct Entries: Sendable {
        var allowed = AddressList()
        var banned = AddressList()
    }

    /// Entries in each list, at most.
    static let limit = 100_000

    private let entries = Mutex(Entries())

    var current: Entries { entries.withLock { $0 } }

    enum List: Sendable {
        case allow, ban

        fileprivate var path: WritableKeyPath<Entries, AddressList> & Sendable {
            switch self {
            case .allow: \.allowed
            case .ban: \.banned
            }
        }
    }

    /// Adds or replaces an entry; false where the list is full.
    func add(_ entry: AddressEntry, to list: List) -> Bool {
        entries.withLock { entries in
            let known = entries[keyPath: list.path]
            guard known.count < Self.limit || known[entry.prefix] != nil else { return false }
            entries[keyPath: list.path].add(entry)
            return true
        }
    }

    /// Removes an entry; whether there was one.
    func remove(_ prefix: Prefix, from list: List) -> Bool {
        entries.withLock { $0[keyPath: list.path].remove(prefix) }
    }

    /// Forgets what is over; whether anything was.
    func expire(at now: Instant) -> Bool {
        entries.withLock { entries in
            let (allowed, banned) = (entries.allowed.expire(at: now), entries.banned.expire(at: now))
            return allowed || banned
        }
    }

    func replace(_ new: Entries) { entries.withLock { $0 = new } }
}

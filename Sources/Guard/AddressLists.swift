import Policy
import Synchronization

/// What people have put on the allow list and the ban list at run time; the policy's own entries are not kept here.
final class AddressLists: Sendable {
    struct Entries: Sendable {
        var allowed: [Prefix: AddressEntry] = [:]
        var banned: [Prefix: AddressEntry] = [:]
    }

    /// Entries in each list, at most.
    static let limit = 100_000

    private let entries = Mutex(Entries())

    var current: Entries { entries.withLock { $0 } }

    enum List { case allow, ban }

    /// Adds or replaces an entry; false where the list is full.
    func add(_ entry: AddressEntry, to list: List) -> Bool {
        entries.withLock { entries in
            let known = list == .allow ? entries.allowed : entries.banned
            guard known[entry.prefix] != nil || known.count < Self.limit else { return false }
            switch list {
            case .allow: entries.allowed[entry.prefix] = entry
            case .ban: entries.banned[entry.prefix] = entry
            }
            return true
        }
    }

    /// Removes an entry; whether there was one.
    func remove(_ prefix: Prefix, from list: List) -> Bool {
        entries.withLock { entries in
            switch list {
            case .allow: entries.allowed.removeValue(forKey: prefix) != nil
            case .ban: entries.banned.removeValue(forKey: prefix) != nil
            }
        }
    }

    /// Forgets what is over; whether anything was.
    func expire(at now: Instant) -> Bool {
        entries.withLock { entries in
            let before = entries.allowed.count + entries.banned.count
            entries.allowed = entries.allowed.filter { $0.value.holds(at: now) }
            entries.banned = entries.banned.filter { $0.value.holds(at: now) }
            return entries.allowed.count + entries.banned.count != before
        }
    }

    func replace(_ new: Entries) { entries.withLock { $0 = new } }
}

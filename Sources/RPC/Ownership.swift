import Glibc

/// Whom a socket's file is to belong to.
struct Ownership: Equatable {
    /// `uid_t.max` and `gid_t.max` leave it as it is, as chown(2) has it.
    let uid: uid_t
    let gid: gid_t

    /// - Parameters: names or numbers; nil leaves it as it is.
    init(owner: String?, group: String?) throws(ListenerError) {
        uid = try owner.map { name throws(ListenerError) in try Ownership.uid(of: name) } ?? .max
        gid = try group.map { name throws(ListenerError) in try Ownership.gid(of: name) } ?? .max
    }

    var isChange: Bool { uid != .max || gid != .max }

    private static func uid(of name: String) throws(ListenerError) -> uid_t {
        if let number = uid_t(name), number != .max { return number }
        guard let entry = getpwnam(name) else { throw .unknownOwner(name) }
        return entry.pointee.pw_uid
    }

    private static func gid(of name: String) throws(ListenerError) -> gid_t {
        if let number = gid_t(name), number != .max { return number }
        guard let entry = getgrnam(name) else { throw .unknownGroup(name) }
        return entry.pointee.gr_gid
    }
}

/// Who an address is before any behaviour counts.
public enum Standing: String, Sendable {
    case stranger, own
    case trustedProxy = "trusted_proxy"
    case allow

    /// Whether a treatment may outlast the request that earned it, and end in a ban.
    public var isProtected: Bool { self != .stranger }
}

/// An entry of the allow list or of the ban list.
public struct AddressEntry: Hashable, Sendable {
    public let prefix: Prefix
    public let since: Instant
    /// nil: until removed.
    public let until: Instant?
    public let comment: String
    /// Who set it: `policy`, or a person.
    public let by: String

    public init(prefix: Prefix, since: Instant, until: Instant?, comment: String, by: String) {
        (self.prefix, self.since, self.until, self.comment, self.by) = (prefix, since, until, comment, by)
    }

    public func holds(at now: Instant) -> Bool { until.map { $0 > now } ?? true }
}

/// Every address that somebody has named, ready for look-up. Immutable; rebuilt when an entry comes or goes.
public final class AddressBook: Sendable {
    public let allowed: [AddressEntry]
    public let banned: [AddressEntry]
    private let allow: PrefixTable<Int>
    private let ban: PrefixTable<Int>
    private let known: PrefixTable<Standing>

    public init(allowed: [AddressEntry], banned: [AddressEntry], own: [Prefix], trustedProxies: [Prefix]) {
        (self.allowed, self.banned) = (allowed, banned)
        allow = PrefixTable(allowed.enumerated().map { ($1.prefix, $0) })
        ban = PrefixTable(banned.enumerated().map { ($1.prefix, $0) })
        known = PrefixTable(own.map { ($0, .own) } + trustedProxies.map { ($0, .trustedProxy) })
    }

    public func standing(of address: IPAddress, now: Instant) -> Standing {
        if let index = allow[address], allowed[index].holds(at: now) { return .allow }
        return known[address] ?? .stranger
    }

    /// The ban that somebody set on this address or on a network around it.
    public func ban(on address: IPAddress, now: Instant) -> AddressEntry? {
        guard let index = ban[address], banned[index].holds(at: now) else { return nil }
        return banned[index]
    }

    /// The first standing that a ban of this network would hurt; `.stranger` if none.
    public func protection(within prefix: Prefix, own: [Prefix], trustedProxies: [Prefix], now: Instant) -> Standing {
        if own.contains(where: prefix.overlaps) { return .own }
        if trustedProxies.contains(where: prefix.overlaps) { return .trustedProxy }
        return allowed.contains { $0.holds(at: now) && prefix.overlaps($0.prefix) } ? .allow : .stranger
    }
}

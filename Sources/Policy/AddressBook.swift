/// Who an address is before any behaviour counts.
public enum Standing: String, Sendable {
    case stranger, own
    case trustedProxy = "trusted_proxy"
    case allow

    /// Whether a treatment may outlast the request that earned it, and end in a ban.
    public var isProtected: Bool { self != .stranger }
}

/// Every address that somebody has named, ready for look-up. A value: a change of one of its parts leaves the others as they
/// are, whatever their size. Not copied but when told so: a copy counts twenty references, which all threads share.
public struct AddressBook: ~Copyable, Sendable {
    /// What the policy file allows.
    public var fixed = AddressList()
    /// The addresses that the allow list's names have now.
    public var named = AddressList()
    /// Allowed at run time.
    public var allowed = AddressList()
    /// Banned at run time.
    public var banned = AddressList()
    public private(set) var own: [Prefix]
    public private(set) var trustedProxies: [Prefix]
    private var known: PrefixTable<Standing>
    private var feeds = FeedTable()
    private var allowFeeds: UInt32 = 0

    public init(own: [Prefix] = [], trustedProxies: [Prefix] = []) {
        (self.own, self.trustedProxies) = (own, trustedProxies)
        known = Self.table(own, trustedProxies)
    }

    private static func table(_ own: [Prefix], _ trustedProxies: [Prefix]) -> PrefixTable<Standing> {
        PrefixTable(own.map { ($0, .own) } + trustedProxies.map { ($0, .trustedProxy) })
    }

    /// Another one with the same content, to be changed.
    public func copy() -> AddressBook {
        var copy = AddressBook()
        (copy.fixed, copy.named, copy.allowed, copy.banned) = (fixed, named, allowed, banned)
        (copy.own, copy.trustedProxies, copy.known) = (own, trustedProxies, known)
        (copy.feeds, copy.allowFeeds) = (feeds, allowFeeds)
        return copy
    }

    /// Takes the protected addresses of another policy.
    public mutating func protect(own: [Prefix], trustedProxies: [Prefix]) {
        (self.own, self.trustedProxies) = (own, trustedProxies)
        known = Self.table(own, trustedProxies)
    }

    /// Takes the newest lists of the feeds; those in `allow`, one bit each, let pass, the others score.
    public mutating func setFeeds(_ table: FeedTable, allow: UInt32) { (feeds, allowFeeds) = (table, allow) }

    public func standing(of address: IPAddress, now: Instant) -> Standing {
        if isAllowed(address, now) { return .allow }
        if let standing = known[address] { return standing }
        return allowFeeds != 0 && feeds[address] & allowFeeds != 0 ? .allow : .stranger
    }

    private func isAllowed(_ address: IPAddress, _ now: Instant) -> Bool {
        // Most allow nobody, and every request asks.
        if fixed.count | allowed.count | named.count == 0 { return false }
        return fixed.holds(address, now: now) || allowed.holds(address, now: now) || named.holds(address, now: now)
    }

    /// Whether there is any such ban, of which most have none.
    public var hasBans: Bool { banned.count != 0 }

    /// The ban that somebody set on this address or on a network around it.
    public func ban(on address: IPAddress, now: Instant) -> AddressEntry? { banned.entry(around: address, now: now) }

    /// The block feeds that name the address, by their places in the policy, one bit each.
    public func feeds(naming address: IPAddress) -> UInt32 { feeds[address] & ~allowFeeds }

    /// The allow feeds that name the address, by their places in the policy, one bit each.
    public func allowFeeds(naming address: IPAddress) -> UInt32 { feeds[address] & allowFeeds }

    /// The entry of the allow list that lets the address through; nil where none does, or only a feed.
    public func allowance(of address: IPAddress, now: Instant) -> AddressEntry? {
        fixed.entry(around: address, now: now) ?? allowed.entry(around: address, now: now)
            ?? named.entry(around: address, now: now)
    }

    /// The first that a ban of this network would hurt; nil if nobody.
    public func protection(within prefix: Prefix, now: Instant) -> (standing: Standing, who: Prefix)? {
        if let who = own.first(where: prefix.overlaps) { return (.own, who) }
        if let who = trustedProxies.first(where: prefix.overlaps) { return (.trustedProxy, who) }
        for list in [fixed, allowed, named] {
            if let entry = list.entry(overlapping: prefix, now: now) { return (.allow, entry.prefix) }
        }
        let isInAllowFeed = allowFeeds != 0 && feeds.naming(anyOf: prefix) & allowFeeds != 0
        return isInAllowFeed ? (.allow, prefix) : nil
    }
}

/// What a limit's counters are kept for. Parts combine: source and user is one counter for each pair.
public struct CounterScope: Hashable, Sendable {
    public enum Part: String, CaseIterable, Sendable {
        case source, user
        case userAgent = "user_agent"
        case node
    }

    public let parts: Set<Part>
    /// Address bits that count (IPv4, IPv6), where the source is part of the scope; nil: as the policy groups sources.
    public let prefix: PrefixLengths?
    /// `parts` as bits, since every request asks.
    private let bits: UInt8

    public init(parts: Set<Part>, prefix: PrefixLengths? = nil) {
        (self.parts, self.prefix) = (parts, prefix)
        bits = parts.reduce(0) { $0 | Self.bit($1) }
    }

    private static func bit(_ part: Part) -> UInt8 {
        switch part {
        case .source: 1
        case .user: 2
        case .userAgent: 4
        case .node: 8
        }
    }

    func has(_ part: Part) -> Bool { bits & Self.bit(part) != 0 }

    /// Whether a request says whom it is counted for. Without the source in the key, an unknown user or User-Agent would make
    /// one of all who do not tell it.
    func isTold(by facts: RequestFacts) -> Bool {
        if has(.source) { return true }
        return (!has(.user) || facts.user.isKnown) && (!has(.userAgent) || facts[.userAgent].isKnown)
    }

    /// The counter's key for a request or report.
    func key(_ rule: NameID, _ facts: RequestFacts, grouping: PrefixLengths) -> CounterKey {
        var key = CounterKey(rule: rule)
        if has(.source) { key.address = (prefix ?? grouping).key(of: facts.source).value }
        if has(.user) { key.first = facts.user }
        if has(.userAgent) { key.second = facts[.userAgent] }
        if has(.node) { key.third = facts[.node] }
        return key
    }
}

/// How many leading bits make one source.
public struct PrefixLengths: Hashable, Sendable {
    public let v4: Int
    public let v6: Int
    /// The same as bits, since every request asks.
    private let masks: (v4: UInt128, v6: UInt128)

    public init(v4: Int, v6: Int) {
        (self.v4, self.v6) = (v4, v6)
        masks = (Prefix.mask(v4 + 96), Prefix.mask(v6))
    }

    public static func == (left: Self, right: Self) -> Bool { left.v4 == right.v4 && left.v6 == right.v6 }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(v4)
        hasher.combine(v6)
    }

    /// The address that stands for all of its group.
    public func key(of address: IPAddress) -> IPAddress {
        IPAddress(value: address.value & (address.isV4 ? masks.v4 : masks.v6))
    }

    /// The group as a network.
    public func prefix(of address: IPAddress) -> Prefix {
        Prefix(address, length: address.isV4 ? v4 : v6) ?? Prefix(address)
    }
}

/// Names one counter of one limit.
public struct CounterKey {
    public var rule: NameID
    public var address: UInt128 = 0
    public var first = Bytes.unknown
    public var second = Bytes.unknown
    public var third = Bytes.unknown
    /// What a set of its own is kept for besides the parts of the scope, such as the last digits of a number.
    public var subject = Bytes.unknown
    /// One member of a set whose different members are counted under the rest of the key.
    public var member = Bytes.unknown

    public init(rule: NameID) { self.rule = rule }

    /// Whether it names one counter for everything there is: such a one must outlive any flood of others.
    public var isGlobal: Bool {
        address == 0 && !first.isKnown && !second.isKnown && !third.isKnown && !subject.isKnown && !member.isKnown
    }

    /// Feeds all parts, lengths included, so that no two keys look alike.
    ///
    /// For a store that is a dictionary, as tests have it; `CounterTable` hashes by itself.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(rule)
        hasher.combine(address)
        Self.feed(first, into: &hasher)
        Self.feed(second, into: &hasher)
        Self.feed(third, into: &hasher)
        let kind: UInt8 = (subject.isKnown ? 1 : 0) | (member.isKnown ? 2 : 0)
        hasher.combine(kind)
        if subject.isKnown { Self.feed(subject, into: &hasher) }
        if member.isKnown { Self.feed(member, into: &hasher) }
    }

    private static func feed(_ part: Bytes, into hasher: inout Hasher) {
        hasher.combine(part.count)
        hasher.combine(bytes: UnsafeRawBufferPointer(part))
    }
}

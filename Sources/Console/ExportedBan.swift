public import JSON
public import Policy

/// A ban that a packet filter may carry out: an address or network, and for how many seconds; nil: until removed.
public struct ExportedBan: Hashable, Sendable {
    public let prefix: Prefix
    public let remaining: Int?

    public init(_ prefix: Prefix, remaining: Int?) { (self.prefix, self.remaining) = (prefix, remaining) }

    var isV4: Bool { prefix.first.isV4 && prefix.bits >= 96 }
}

/// Of what `ban.list` tells, that which a packet filter may drop unasked.
///
/// A filter knows no allow list and takes every packet's source for what it says: so only bans with proof of the return
/// path come in, and none that holds a protected address.
public struct ExportList: Equatable, Sendable {
    private var ends: [Prefix: Int?] = [:]
    /// Bans that are left to the daemon, and who in them is protected.
    public private(set) var protected: [Prefix: String] = [:]
    /// Entries that say too little: an older daemon's.
    public private(set) var unclear = 0

    public init() {}

    /// Takes one entry of `ban.list`; nothing of it but numbers and addresses that were understood goes further.
    public mutating func add(_ entry: JSONValue) {
        guard let prefix = entry["address"]?.string.flatMap(Prefix.init), let proven = entry["proven"]?.bool,
            let protected = entry["protected"], let remaining = entry["remaining"]
        else {
            unclear += 1
            return
        }
        guard proven else { return }
        guard protected.isNull else {
            self.protected[prefix] = Self.owner(protected.string)
            return
        }
        // No set type of the kernel's takes everybody, and nobody means it.
        guard !Self.isEverybody(prefix) else {
            self.protected[prefix] = "everybody"
            return
        }
        if remaining.isNull {
            ends[prefix] = .some(nil)
        } else if let seconds = remaining.integer, seconds > 0 {
            ends[prefix] = min(seconds, Self.longest)
        }
    }

    /// About 68 years.
    private static let longest = Int(Int32.max)

    private static func isEverybody(_ prefix: Prefix) -> Bool {
        prefix.bits == 0 || (prefix.first.isV4 && prefix.bits == 96)
    }

    private static func owner(_ standing: String?) -> String {
        switch standing {
        case "own": "an address of this machine"
        case "trusted_proxy": "a trusted proxy"
        case "allow": "an allowed address"
        default: "a protected address"
        }
    }

    /// In order and disjoint, as interval sets need them: what lies within a wider ban is left out.
    public var bans: [ExportedBan] {
        let all = ends.map { ExportedBan($0.key, remaining: $0.value) }.sorted {
            ($0.prefix.first, $0.prefix.bits) < ($1.prefix.first, $1.prefix.bits)
        }
        return Self.disjoint(all.filter(\.isV4)) + Self.disjoint(all.filter { !$0.isV4 })
    }

    private static func disjoint(_ sorted: [ExportedBan]) -> [ExportedBan] {
        var kept: [ExportedBan] = []
        for ban in sorted where kept.last?.prefix.contains(ban.prefix.first) != true { kept.append(ban) }
        return kept
    }
}

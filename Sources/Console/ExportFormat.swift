import Policy

/// How bans are written for a packet filter. Addresses are printed from their numbers, names were checked: nothing that
/// comes from elsewhere gets into the text.
public struct ExportFormat: Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable { case nft, ipset, pf, plain }

    public enum Family: String, CaseIterable, Sendable {
        case v4 = "4"
        case v6 = "6"
    }

    public let kind: Kind
    /// Family and name of the nftables table.
    let table: String
    let set: String
    let families: [Family]

    /// Nil where a name is none of nft, ipset and pf.
    ///
    /// - Parameter set: the families' sets are called this with `4` and `6` behind it; pf has one table for both.
    public init?(_ kind: Kind, table: [String]? = nil, set: String? = nil, families: [Family] = Family.allCases) {
        let table = table ?? ["inet", "sipguardd"]
        let set = set ?? (kind == .nft ? "banned" : "sipguardd")
        guard table.count == 2, ["inet", "ip", "ip6", "bridge", "netdev"].contains(table[0]), Self.isName(table[1]),
            Self.isName(set)
        else { return nil }
        (self.kind, self.table, self.set, self.families) = (kind, table.joined(separator: " "), set, families)
    }

    /// Letters, digits, `_` and `-`; ipset has room for 31 bytes, of which a digit and `-new` are ours.
    static func isName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let isLetter = { (byte: UInt8) in (0x41...0x5A).contains(byte & 0xDF) || byte == 0x5F }
        guard let first = bytes.first, isLetter(first), bytes.count <= 26 else { return false }
        return bytes.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    /// Everything, in place of whatever the filter holds.
    public func whole(_ bans: [ExportedBan], isFollowed: Bool = false) -> String {
        let bans = bans.filter(isWanted)
        switch kind {
        case .nft: return nftWhole(bans)
        case .ipset: return families.map { ipsetWhole(bans, $0) }.joined() + "COMMIT\n"
        case .pf: return pfWhole(bans)
        case .plain where isFollowed: return "reset\n" + bans.map(plainAdd).joined()
        case .plain: return bans.map { plain($0) + "\n" }.joined()
        }
    }

    /// What has changed, so that applying it twice does no harm; `bans` is all that holds now.
    public func text(_ change: ExportChange, of bans: [ExportedBan]) -> String {
        let removed = change.removed.map { ExportedBan($0, remaining: nil) }.filter(isWanted)
        let added = change.added.filter(isWanted)
        if removed.isEmpty && added.isEmpty { return "" }
        switch kind {
        case .nft: return nftChange(removed, added)
        case .ipset: return ipsetChange(removed, added)
        // A table of pf has no timeouts, and no command for both adding and removing.
        case .pf: return pfWhole(bans.filter(isWanted))
        case .plain: return removed.map { "remove \($0.prefix)\n" }.joined() + added.map(plainAdd).joined()
        }
    }

    private func isWanted(_ ban: ExportedBan) -> Bool { families.contains(family(ban)) }

    private func family(_ ban: ExportedBan) -> Family { ban.isV4 ? .v4 : .v6 }

    private func pfWhole(_ bans: [ExportedBan]) -> String {
        "table <\(set)> persist { \(bans.map { $0.prefix.description + " " }.joined())}\n"
    }

    private func plain(_ ban: ExportedBan) -> String { "\(ban.prefix) \(ban.remaining.map { "\($0)" } ?? "-")" }
    private func plainAdd(_ ban: ExportedBan) -> String { "add \(plain(ban))\n" }
}

/// nftables: each line is one transaction of `nft -f -`.
extension ExportFormat {
    private func nftWhole(_ bans: [ExportedBan]) -> String {
        line(families.map { "flush set \(table) \(set)\($0.rawValue)" } + elements("add", bans))
    }

    /// Two lines, since nft takes an element removed in a transaction to be still there when it looks for overlaps. What
    /// is to be deleted is added before: deleting what its timeout has taken already would be an error.
    private func nftChange(_ removed: [ExportedBan], _ added: [ExportedBan]) -> String {
        line(elements("add", removed) + elements("delete", removed)) + line(elements("add", added))
    }

    private func elements(_ verb: String, _ bans: [ExportedBan]) -> [String] {
        families.compactMap { family in
            let list = bans.filter { self.family($0) == family }.map { ban in
                "\(ban.prefix)" + (ban.remaining.map { " timeout \($0)s" } ?? "")
            }
            if list.isEmpty { return nil }
            return "\(verb) element \(table) \(set)\(family.rawValue) { \(list.joined(separator: ", ")) }"
        }
    }

    private func line(_ commands: [String]) -> String {
        commands.isEmpty ? "" : commands.joined(separator: "; ") + "\n"
    }
}

/// ipset: lines of `ipset restore`, each batch ended by COMMIT.
extension ExportFormat {
    /// Filled beside the one in use and then exchanged with it.
    private func ipsetWhole(_ bans: [ExportedBan], _ family: Family) -> String {
        let (name, next) = (set + family.rawValue, set + family.rawValue + "-new")
        let type = "hash:net family inet\(family == .v6 ? "6" : "") maxelem 1048576 timeout 0 -exist"
        let members = bans.filter { self.family($0) == family }.map { add($0, to: next) }
        return
            (["create \(name) \(type)", "create \(next) \(type)", "flush \(next)"] + members
            + ["swap \(next) \(name)", "destroy \(next)"]).map { $0 + "\n" }.joined()
    }

    private func ipsetChange(_ removed: [ExportedBan], _ added: [ExportedBan]) -> String {
        let lines =
            removed.map { "del \(set)\(family($0).rawValue) \($0.prefix) -exist" }
            + added.map { add($0, to: set + family($0).rawValue) }
        return (lines + ["COMMIT"]).map { $0 + "\n" }.joined()
    }

    private func add(_ ban: ExportedBan, to name: String) -> String {
        "add \(name) \(ban.prefix) timeout \(min(ban.remaining ?? 0, Self.ipsetLongest)) -exist"
    }

    /// About 24 days (ipset(8), timeout); 0 is without end.
    private static let ipsetLongest = 2_147_483
}

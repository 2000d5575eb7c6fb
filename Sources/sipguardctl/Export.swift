import ArgumentParser
import Console

extension ExportFormat.Kind: ExpressibleByArgument {}

/// `sipguardctl export`
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The bans, for a packet filter.",
        discussion: """
            Only bans with proof of the return path, and bans by hand, never one that holds a protected address. A ban's \
            remaining time becomes its timeout.
            nft: each line is one transaction for `nft -f -`; the sets must be there. ipset: for `ipset restore`. pf: a \
            table for `pfctl -Tl -f -`. plain: `ADDRESS SECONDS`, with `-` for a ban until removed; with --follow lines \
            of `reset`, `add ADDRESS SECONDS` and `remove ADDRESS`.
            """)

    @Option(help: "How to write them.") var format: ExportFormat.Kind
    @Flag(help: "Go on: print what comes and goes, until ended. Survives a restart of sipguardd.") var follow = false
    @Option(help: ArgumentHelp("With --follow: how often to look (default: 2).", valueName: "seconds"))
    var interval: Double?
    @Option(
        help: ArgumentHelp("With --follow: how often to print everything anew (default: 300).", valueName: "seconds"))
    var resync: Double?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("nft: the table (default: inet sipguardd).", valueName: "family name"))
    var table: [String] = []
    @Option(
        help: ArgumentHelp(
            "nft, ipset: the sets are NAME4 and NAME6; pf: the table (default: banned for nft, else sipguardd).",
            valueName: "name"))
    var set: String?
    @Flag(name: [.customShort("4"), .long], help: "IPv4 only.") var ipv4 = false
    @Flag(name: [.customShort("6"), .long], help: "IPv6 only.") var ipv6 = false
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard !connection.json else { throw ValidationError("export has its own formats; see also: ban list --json.") }
        guard !(ipv4 && ipv6) else { throw ValidationError("Without -4 and -6 both families are printed.") }
        guard follow || (interval == nil && resync == nil) else {
            throw ValidationError("--interval and --resync belong to --follow.")
        }
        guard (0.1...3600).contains(interval ?? 2) else {
            throw ValidationError("--interval takes 0.1 to 3600 seconds.")
        }
        guard (1...86_400).contains(resync ?? 300) else { throw ValidationError("--resync takes 1 to 86400 seconds.") }
        guard table.isEmpty || format == .nft else { throw ValidationError("--table belongs to --format nft.") }
        guard set == nil || format != .plain else { throw ValidationError("--format plain has no sets to name.") }
        _ = try rendering()
    }

    func rendering() throws -> ExportFormat {
        // One word or two: --table inet sipguardd, --table "inet sipguardd".
        let words = table.flatMap { $0.split(separator: " ").map(String.init) }
        let families: [ExportFormat.Family] = ipv4 ? [.v4] : ipv6 ? [.v6] : [.v4, .v6]
        guard let format = ExportFormat(format, table: words.isEmpty ? nil : words, set: set, families: families) else {
            throw ValidationError(
                """
                --table takes a family (inet, ip, ip6, bridge, netdev) and a name, --set a name: at most 26 letters, \
                digits, _ and -, a letter first.
                """)
        }
        return format
    }

    func run() throws {
        try Terminal.reportingFailures {
            let format = try rendering()
            if follow {
                var following = ExportFollowing(connection, format, .seconds(interval ?? 2), .seconds(resync ?? 300))
                try following.run()
            } else {
                let list = try connection.exportList()
                Terminal.note(list.notes)
                _ = Terminal.put(format.whole(list.bans))
            }
            return .ok
        }
    }
}

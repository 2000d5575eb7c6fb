import ArgumentParser
import Console
import JSON

/// `sipguardctl ban`
struct Ban: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The banned sources.", subcommands: [List.self, Add.self, Remove.self],
        defaultSubcommand: List.self)

    struct List: Asking {
        static let configuration = CommandConfiguration(abstract: "List bans.")

        @OptionGroup var list: ListOptions
        @OptionGroup var connection: ConnectionOptions

        var method: String { "ban.list" }
        func params() -> JSONValue? { list.params(json: connection.json) }
        func show(_ result: JSONValue, on page: inout Page) { page.showBans(result, offset: Int(list.offset)) }
    }

    struct Add: Asking {
        static let configuration = CommandConfiguration(abstract: "Ban an address or a prefix.")

        @OptionGroup var entry: EntryOptions
        @Flag(help: "Also if it is an own address, a trusted proxy, allowed, yours, or very wide.") var force = false
        @OptionGroup var connection: ConnectionOptions

        var method: String { "ban.add" }

        func params() -> JSONValue? {
            JSONValue(
                named: entry.members(user: Terminal.userName) + [
                    ("force", force ? JSONValue.bool(true) : Optional.none),
                    ("client", Terminal.clientAddress.map(JSONValue.string)),
                ])
        }

        func show(_ result: JSONValue, on page: inout Page) { page.showBanned(result) }
    }

    struct Remove: Asking {
        static let configuration = CommandConfiguration(
            abstract: "Lift a ban.", discussion: "Exit status 1 if there is no such ban.")

        @Argument(help: "The address or prefix as `ban list` shows it.") var address: String
        @OptionGroup var connection: ConnectionOptions

        var method: String { "ban.remove" }
        func params() -> JSONValue? { ["address": .string(address)] }
        func show(_ result: JSONValue, on page: inout Page) { page.showBanRemoved(result, address: address) }
        func status(of result: JSONValue) -> ExitStatus { result["removed"] == true ? .ok : .no }
    }
}

import ArgumentParser
import Console
import JSON

/// `sipguardctl allow`
struct Allow: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The sources that always pass.", subcommands: [List.self, Add.self, Remove.self],
        defaultSubcommand: List.self)

    struct List: Asking {
        static let configuration = CommandConfiguration(abstract: "List what is allowed.")

        @OptionGroup var list: ListOptions
        @OptionGroup var connection: ConnectionOptions

        var method: String { "allow.list" }
        func params() -> JSONValue? { list.params(json: connection.json) }
        func show(_ result: JSONValue, on page: inout Page) { page.showAllowed(result, offset: Int(list.offset)) }
    }

    struct Add: Asking {
        static let configuration = CommandConfiguration(
            abstract: "Allow an address, a prefix or a DNS name.",
            discussion:
                "A name's addresses are looked up again and again. What is for good belongs into the policy file.")

        @OptionGroup var entry: EntryOptions
        @OptionGroup var connection: ConnectionOptions

        var method: String { "allow.add" }
        func params() -> JSONValue? {
            let members = entry.members(user: Terminal.userName)
            return JSONValue(named: [ListedAddress(text: entry.address).member] + members.dropFirst())
        }
        func show(_ result: JSONValue, on page: inout Page) { page.showNowAllowed(result) }
    }

    struct Remove: Asking {
        static let configuration = CommandConfiguration(
            abstract: "Take an address, a prefix or a name off the allow list.",
            discussion: "Exit status 1 if it was not there, or is an entry of the policy file.")

        @Argument(help: "The address, prefix or name as `allow list` shows it.") var address: String
        @OptionGroup var connection: ConnectionOptions

        var method: String { "allow.remove" }
        func params() -> JSONValue? { JSONValue(named: [ListedAddress(text: address).member]) }
        func show(_ result: JSONValue, on page: inout Page) { page.showAllowRemoved(result, address: address) }
        func status(of result: JSONValue) -> ExitStatus { result["removed"] == true ? .ok : .no }
    }
}

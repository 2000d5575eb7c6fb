import ArgumentParser
import Console
import JSON

/// `sipguardctl incident`
struct Incidents: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incident", abstract: "The attacks of late, and what stopped them.",
        subcommands: [List.self, Show.self], defaultSubcommand: List.self)

    struct List: Asking {
        static let configuration = CommandConfiguration(abstract: "List attacks, the newest first.")

        @Flag(help: "Only those that are not silent.") var active = false
        @OptionGroup var list: ListOptions
        @OptionGroup var connection: ConnectionOptions

        var method: String { "incident.list" }

        func params() -> JSONValue? {
            var params = list.params(json: connection.json).object ?? [:]
            if active { params["active"] = true }
            return .object(params)
        }

        func show(_ result: JSONValue, on page: inout Page) { page.showIncidents(result, offset: Int(list.offset)) }
    }

    struct Show: Asking {
        static let configuration = CommandConfiguration(abstract: "One attack, with its sources.")

        @Argument(help: "The id as `incident list` shows it.") var incident: String
        @OptionGroup var connection: ConnectionOptions

        var method: String { "incident.show" }
        func params() -> JSONValue? { ["incident": .string(incident)] }
        func show(_ result: JSONValue, on page: inout Page) { page.showIncident(result) }
    }
}

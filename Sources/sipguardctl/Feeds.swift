import ArgumentParser
import Console
import JSON

/// `sipguardctl feeds`
struct Feeds: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The block and allow lists that are kept by others.", subcommands: [List.self, Refresh.self],
        defaultSubcommand: List.self)

    struct List: Asking {
        static let configuration = CommandConfiguration(
            abstract: "List feeds: entries, age, last error, next try.",
            discussion: "Feeds are named in the policy file, under feeds.")

        @OptionGroup var connection: ConnectionOptions

        var method: String { "feed.list" }
        func show(_ result: JSONValue, on page: inout Page) { page.showFeeds(result) }
    }

    struct Refresh: Asking {
        static let configuration = CommandConfiguration(abstract: "Get all feeds anew, without waiting for their time.")

        @OptionGroup var connection: ConnectionOptions

        var method: String { "feed.refresh" }
        func show(_ result: JSONValue, on page: inout Page) { page.showRefreshing(result) }
    }
}

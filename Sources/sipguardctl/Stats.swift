import ArgumentParser
import Console
import JSON

/// `sipguardctl stats`
struct Stats: Asking {
    static let configuration = CommandConfiguration(
        abstract: "What was asked, what was answered, what became of attacks.")

    @Flag(help: "Show every rule and signature, also those beyond the 15 busiest.") var all = false
    @Flag(help: "Print them as metrics in Prometheus' text format.") var prometheus = false
    @OptionGroup var connection: ConnectionOptions

    var method: String { "stats.get" }

    func validate() throws {
        guard !prometheus || !connection.json else { throw ValidationError("Either --prometheus or --json.") }
    }

    func run() throws {
        guard prometheus else { return try ask() }
        try Terminal.reportingFailures {
            Terminal.print(Exposition(try connection.ask(method, nil)).text)
            return .ok
        }
    }

    func show(_ result: JSONValue, on page: inout Page) { page.showStats(result, atMost: all ? .max : 15) }
}

/// `sipguardctl top`
struct Top: Asking {
    static let configuration = CommandConfiguration(abstract: "The loudest sources.")

    enum Order: String, CaseIterable, ExpressibleByArgument { case requests, answers, failures }

    @Option(help: "What is counted.") var by: Order = .requests
    @Option(help: "How many, 1 to 100.") var limit: Int64 = 10
    @OptionGroup var connection: ConnectionOptions

    var method: String { "stats.top" }

    func validate() throws {
        guard (1...100).contains(limit) else { throw ValidationError("--limit takes 1 to 100.") }
    }

    func params() -> JSONValue? { ["by": .string(by.rawValue), "limit": .int(limit)] }
    func show(_ result: JSONValue, on page: inout Page) { page.showTop(result) }
}

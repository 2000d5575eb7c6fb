import ArgumentParser
import Console
import JSON

/// `sipguardctl show`
struct Show: Asking {
    static let configuration = CommandConfiguration(
        abstract: "Why is this address treated so?",
        discussion: """
            Exit status 1 if nothing is known of it. The counters of limits that are not kept for addresses alone are shown for \
            the user, User-Agent, node or number that is given.
            """)

    @Argument(help: "An IPv4 or IPv6 address.") var source: String
    @Option(help: "Show what limits count for this user as well.") var user: String?
    @Option(help: "The same for a User-Agent.") var userAgent: String?
    @Option(help: "The same for a proxy.") var node: String?
    @Option(help: "The same for a dialled number.") var number: String?
    @OptionGroup var connection: ConnectionOptions

    var method: String { "source.show" }

    func params() -> JSONValue? {
        let texts = [
            ("source", source), ("user", user), ("user_agent", userAgent), ("node", node), ("number", number),
        ]
        return JSONValue(named: texts.map { ($0.0, $0.1.map(JSONValue.string)) })
    }

    func show(_ result: JSONValue, on page: inout Page) { page.showSource(result) }
    func status(of result: JSONValue) -> ExitStatus { result.isKnownSource ? .ok : .no }
}

/// `sipguardctl forget`
struct Forget: Asking {
    static let configuration = CommandConfiguration(
        abstract: "Clear all that is held against a source: counters, treatment, trust and ban.",
        discussion: "Exit status 1 if there was nothing.")

    @Argument(help: "An IPv4 or IPv6 address.") var source: String
    @OptionGroup var connection: ConnectionOptions

    var method: String { "source.forget" }
    func params() -> JSONValue? { ["source": .string(source)] }
    func show(_ result: JSONValue, on page: inout Page) { page.showForgotten(result, source: source) }

    func status(of result: JSONValue) -> ExitStatus {
        result["forgotten"] == true || result["ban_removed"] == true ? .ok : .no
    }
}

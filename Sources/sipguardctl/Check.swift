import ArgumentParser
import Console
import JSON

/// `sipguardctl check`
struct Check: Asking {
    static let configuration = CommandConfiguration(
        abstract: "Ask for a verdict by hand.",
        discussion: """
            This is a real question: it is counted, and the source is treated accordingly. `policy explain` asks without \
            leaving a trace.
            """)

    enum Verdict: String, CaseIterable, ExpressibleByArgument { case pass, reject, ok200, drop }

    @OptionGroup(title: "Request") var request: RequestOptions
    @Option(help: "Exit with status 1 unless this is the verdict.") var expect: Verdict?
    @OptionGroup var connection: ConnectionOptions

    var method: String { "guard.check" }
    func params() throws -> JSONValue? { try request.params() }
    func show(_ result: JSONValue, on page: inout Page) { page.showVerdict(result) }

    func status(of result: JSONValue) -> ExitStatus {
        guard let expect else { return .ok }
        return result["verdict"]?.string == expect.rawValue ? .ok : .no
    }
}

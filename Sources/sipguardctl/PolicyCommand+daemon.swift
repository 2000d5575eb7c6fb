import ArgumentParser
import Console
import JSON

extension PolicyCommand {
    /// `sipguardctl policy show`
    struct Show: Asking {
        static let configuration = CommandConfiguration(
            abstract: "Print the running policy.",
            discussion: "With --default the built-in one, to start a policy file from; needs no daemon.")

        @Flag(name: .customLong("default"), help: "Print the built-in policy.") var isDefault = false
        @OptionGroup var connection: ConnectionOptions

        var method: String { "policy.show" }
        func show(_ result: JSONValue, on page: inout Page) { page.showPolicy(result) }

        func run() throws {
            guard isDefault else { return try ask() }
            let text = OfflinePolicy.defaultText
            let result: JSONValue = ["path": .null, "text": .string(text)]
            Terminal.print(connection.json ? result.safeText + "\n" : text)
        }
    }

    /// `sipguardctl policy explain`
    struct Explain: Asking {
        static let configuration = CommandConfiguration(
            abstract: "Decide a request without leaving a trace, and say each step.",
            discussion: "Against the running policy, with what the daemon knows of the source now; or against a file.")

        @Option(help: "Decide by this policy file instead.", completion: .file()) var policy: String?
        @OptionGroup(title: "Request") var request: RequestOptions
        @OptionGroup var connection: ConnectionOptions

        var method: String { "policy.test" }

        func params() throws -> JSONValue? {
            let text = try policy.map { (file) throws(Failure) in try checked(file) }
            return JSONValue(named: [("request", try request.params()), ("policy", text.map(JSONValue.string))])
        }

        func show(_ result: JSONValue, on page: inout Page) { page.showExplanation(result) }

        /// Mistakes are found here, where the file's name is known.
        private func checked(_ file: String) throws(Failure) -> String {
            let text = try InputFile.text(file)
            if let failure = PolicyReview(reading: text, name: file).failure { throw failure }
            return text
        }
    }
}

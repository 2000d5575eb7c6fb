import ArgumentParser
import Console
import JSON
import PolicyFile

/// `sipguardctl policy`
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "The rules: check, show, test and explain them.",
        subcommands: [Check.self, Show.self, Test.self, Explain.self, Schema.self])

    /// `sipguardctl policy check`
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find all mistakes of a policy file; needs no daemon.",
            discussion: "Exit status 78 if there are any.")

        @Argument(help: "The file; - is standard input.", completion: .file()) var file: String
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try Terminal.reportingFailures {
                let review = PolicyReview(reading: try InputFile.text(file), name: file)
                if connection.json { Terminal.print(review.json.safeText + "\n") }
                if let failure = review.failure { throw failure }
                if !connection.json { Terminal.printPage { $0.showSound(review.json, file: file) } }
                return .ok
            }
        }
    }

    /// `sipguardctl policy test`
    struct Test: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a policy's own examples and its signatures' samples.",
            discussion: """
                Without FILE the running policy is fetched from the daemon. Exit status 1 if an example is decided \
                otherwise than it says, 78 if the policy has mistakes.
                """)

        @Argument(help: "The file; - is standard input.", completion: .file()) var file: String?
        @Flag(name: .customLong("default"), help: "Test the built-in policy.") var isDefault = false
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            if isDefault, file != nil { throw ValidationError("--default and FILE exclude each other.") }
        }

        func run() throws {
            try Terminal.reportingFailures {
                let (text, name) = try policy()
                if let failure = PolicyReview(reading: text, name: name).failure { throw failure }
                let outcome = OfflinePolicy.runExamples(text, name: name)
                let result: JSONValue = [
                    "examples": .int(Int64(outcome.count)), "failures": .array(outcome.failures.map(JSONValue.string)),
                ]
                if connection.json {
                    Terminal.print(result.safeText + "\n")
                } else {
                    Terminal.printPage { $0.showExamples(result) }
                }
                return outcome.failures.isEmpty ? .ok : .no
            }
        }

        private func policy() throws -> (text: String, name: String) {
            if isDefault { return (OfflinePolicy.defaultText, "default-policy.yaml") }
            if let file { return (try InputFile.text(file), file) }
            let running = try connection.ask("policy.show", nil)
            return (running["text"]?.string ?? "", running["path"]?.string ?? "default-policy.yaml")
        }
    }

    /// `sipguardctl policy schema`
    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the JSON Schema of policy files, for editors; needs no daemon.")

        func run() { Terminal.print(PolicySchema.text) }
    }
}

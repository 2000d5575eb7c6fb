import PolicyFile

/// What can be said of a policy without the daemon: the one place here that knows the policy file's reader.
enum OfflinePolicy {
    static var defaultText: String { PolicyDocument.builtIn.text }

    enum Reading {
        case sound(rules: Int, signatures: Int, warnings: [String])
        /// Each `file:line: where: what`.
        case mistakes([String])
    }

    static func read(_ text: String, name: String) -> Reading {
        do throws(PolicyProblems) {
            let policy = try PolicyDocument.parse(text: text, name: name)
            return .sound(
                rules: policy.ruleset.limits.count, signatures: policy.ruleset.signatures.count,
                warnings: policy.warnings.map(\.description))
        } catch {
            return .mistakes(error.problems.map(\.description))
        }
    }

    /// Runs every signature's samples: how many, and what went otherwise than they say.
    static func runExamples(_ text: String, name: String) -> (count: Int, failures: [String]) {
        guard let policy = try? PolicyDocument.parse(text: text, name: name) else { return (0, []) }
        return (policy.samples.count, policy.checkSamples().map { "\($0)" })
    }
}

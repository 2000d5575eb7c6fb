import Policy

/// A policy file, read and found to be without mistakes.
public struct PolicyDocument: Sendable {
    /// The file's path, or what stands for it in messages.
    public let name: String
    public let text: String
    public let ruleset: Ruleset
    public let samples: [Sample]
    /// The signatures, contents and limits that the file itself writes out, rather than the policy that it extends.
    public let ownRules: Set<String>
    /// What works but is probably not meant.
    public let warnings: [Problem]

    /// Reads a policy; every mistake in it is in what is thrown.
    public static func parse(text: String, name: String) throws(PolicyProblems) -> PolicyDocument {
        try PolicyParser(text: text, name: name).document
    }

    /// Reads a policy file; that it cannot be read is a problem as well.
    public static func load(path: String) throws(PolicyProblems) -> PolicyDocument {
        try parse(text: try TextFile.read(path: path), name: path)
    }

    /// The policy for those who write none, and the one that `extends: default` means.
    public static var builtIn: PolicyDocument { BuiltInPolicy.parser.document }

    /// The samples that their signatures do not treat as they say; empty where all is well.
    public func checkSamples() -> [SampleFailure] {
        let signatures = Dictionary(ruleset.signatures.map { ($0.name, $0) }) { first, _ in first }
        return samples.filter { sample in
            guard let signature = signatures[sample.signature] else { return false }
            return sample.request.withFacts { signature.matches($0, dialling: ruleset.dialling) } != sample.mustMatch
        }.map(SampleFailure.init)
    }
}

/// The JSON Schema of policy files, for editors. It sees slips in keys, words and forms; what lies between two places is for
/// `PolicyDocument.parse`.
public enum PolicySchema {
    public static var text: String { String(decoding: PackageResources.policy_schema_json, as: UTF8.self) }
}

/// The built-in policy, read once.
enum BuiltInPolicy {
    static let name = "default-policy.yaml"

    static let parser: PolicyParser = {
        do {
            return try PolicyParser(text: text, name: name)
        } catch {
            // The tests read it, so no build that passed them comes here.
            preconditionFailure("\(error)")
        }
    }()

    static let text = String(decoding: PackageResources.default_policy_yaml, as: UTF8.self)
}

/// From text to a document.
struct PolicyParser: Sendable {
    let draft: PolicyDraft
    let document: PolicyDocument

    init(text: String, name: String) throws(PolicyProblems) {
        let reader = YAMLReader(file: name)
        guard let map = reader.root(of: text)?.mapping(PolicyReader.keys) else { throw FileProblems(reader.problems) }
        _ = map.required("version", "write 'version: 1' as the first line")?
            .word("1", orElse: "is not a version that can be read; write 'version: 1'")
        let isExtension =
            map["extends"]?.word("default", orElse: "cannot be extended; write 'extends: default'") == true
        var policy = PolicyReader(draft: isExtension ? BuiltInPolicy.parser.draft.extended : PolicyDraft())
        policy.read(map)
        DraftCheck(draft: policy.draft, root: map.value).report()
        try reader.check()
        draft = policy.draft
        document = PolicyDocument(
            name: name, text: text, ruleset: draft.ruleset(), samples: draft.samples,
            ownRules: policy.writtenOut,
            warnings: DraftWarnings(draft: draft, file: name).problems)
    }
}

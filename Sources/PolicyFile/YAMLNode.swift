/// What stands somewhere in a YAML text, as it was written: a scalar is text, so that `off` is a mode and no boolean.
struct YAMLNode {
    enum Content {
        /// Without quotation marks around it, it may also mean nothing, as `~` does.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([(key: YAMLNode, value: YAMLNode)])
    }

    let content: Content
    /// Where it begins, from 1.
    let line: Int

    /// The text of a scalar.
    var text: String? { if case .scalar(let text, _) = content { text } else { nil } }
}

/// What is wrong with a text as YAML.
struct YAMLMistake: Error {
    let line: Int?
    let message: String
}

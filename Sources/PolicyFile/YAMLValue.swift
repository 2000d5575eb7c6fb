/// A value of a YAML file with its place. What it is asked for and is not, it reports to its reader.
public struct YAMLValue {
    let node: YAMLNode
    let reader: YAMLReader
    /// Such as `limits[2].key`; empty for the root.
    public let path: String
    /// Of the value itself; a value that is missing has its key's.
    public let line: Int

    /// Reports what is wrong with this value.
    public func report(_ message: String) { reader.report(line: line, path: path, message) }

    /// Reports what is wrong with this value, and is nil, to be returned.
    public func fail<Result>(_ message: String) -> Result? {
        report(message)
        return nil
    }

    var place: Place { Place(line: line, path: path) }

    /// The plain or quoted text.
    public func string() -> String? { string(orElse: "text is expected here") }

    func string(orElse expectation: String) -> String? {
        switch node.content {
        case .scalar(let text, _) where !isNull: text
        case .scalar: fail("has no value; \(expectation), or remove the key")
        case .mapping: fail("is a map of keys; \(expectation)")
        case .sequence: fail("is a list; \(expectation)")
        }
    }

    /// Whether nothing, `~` or `null` stands here.
    public var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = node.content else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }

    public var isScalar: Bool { if case .scalar = node.content { true } else { false } }
    public var isMapping: Bool { if case .mapping = node.content { true } else { false } }
    public var isList: Bool { if case .sequence = node.content { true } else { false } }

    /// `true` or `false`.
    public func bool() -> Bool? {
        guard let text = string(orElse: "write true or false") else { return nil }
        switch text {
        case "true": return true
        case "false": return false
        default: return fail("'\(text)' is neither true nor false; write one of them")
        }
    }

    /// A whole number within bounds.
    public func integer(_ bounds: ClosedRange<Int>) -> Int? {
        let expectation = "write a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
        guard let text = string(orElse: expectation) else { return nil }
        guard let number = Int(text), !text.hasPrefix("+") else {
            return fail("'\(text)' is not a whole number; \(expectation)")
        }
        guard bounds.contains(number) else { return fail("\(number) is out of range; \(expectation)") }
        return number
    }

    /// One of some words.
    public func choice<Choice>(_ choices: [(word: String, value: Choice)]) -> Choice? {
        let words = choices.map(\.word)
        guard let text = string(orElse: "write one of \(words.joined(separator: ", "))") else { return nil }
        if let choice = choices.first(where: { $0.word == text }) { return choice.value }
        let hint = Nearest.match(text, among: words).map { "did you mean '\($0)'?" } ?? "write one of these"
        return fail("'\(text)' is not one of \(words.joined(separator: ", ")); \(hint)")
    }

    /// Whether this is the only word that is allowed here; what else it is gets reported.
    func word(_ word: String, orElse complaint: String) -> Bool {
        guard let text = string(orElse: "write \(word)") else { return false }
        if text != word { report("'\(text)' \(complaint)") }
        return text == word
    }

    /// One of the cases of an enumeration that are words.
    public func choice<Choice>(_ type: Choice.Type = Choice.self) -> Choice?
    where Choice: RawRepresentable<String> & CaseIterable {
        choice(type.allCases.map { ($0.rawValue, $0) })
    }

    /// The items of a list.
    public func list(_ bounds: ClosedRange<Int> = 0...Int.max) -> [YAMLValue]? {
        guard case .sequence(let sequence) = node.content else {
            return fail("is not a list; write '- item' lines below the key, or [item, item]")
        }
        guard sequence.count >= bounds.lowerBound else { return fail("is an empty list; write at least one item") }
        guard sequence.count <= bounds.upperBound else {
            return fail("has \(sequence.count) items; at most \(bounds.upperBound) are allowed")
        }
        return sequence.enumerated().map { child($1, path: "\(path)[\($0)]", line: nil) }
    }

    /// The items of a list, or the one value that stands for a list of one.
    public func listOrOne(_ bounds: ClosedRange<Int> = 1...Int.max) -> [YAMLValue]? {
        isScalar ? [self] : list(bounds)
    }

    func child(_ node: YAMLNode, path: String, line: Int?) -> YAMLValue {
        // An empty value's mark lies behind it, where the next key begins.
        let child = YAMLValue(node: node, reader: reader, path: path, line: node.line)
        guard let line, child.isNull else { return child }
        return YAMLValue(node: node, reader: reader, path: path, line: line)
    }
}

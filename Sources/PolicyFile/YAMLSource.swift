internal import CYaml
import Policy
import Yams

/// The step from text to Yams' nodes, with what Yams leaves to its caller.
struct YAMLSource {
    private var text: String
    /// Stands before the name of a key that is in its mapping twice, see ``compose()``.
    static let duplicateMark: Character = "\u{E000}"

    /// libyaml allows 1000 levels unless told otherwise. Yams reads and releases its nodes recursively, which takes more
    /// stack for that many than a connection's thread has; no file of ours needs more than ten.
    private static let boundNesting: Void = yaml_set_max_nest_level(64)

    init(_ text: String) { self.text = text }

    /// The root node; nil for an empty document.
    ///
    /// Yams gives up at the first key that stands twice in a mapping. That key is then marked and the text is read again,
    /// so that this is one problem among the others. Scalars stay text here (`Resolver.basic`): `off` is a mode and no
    /// boolean.
    mutating func compose() throws -> Node? {
        Self.boundNesting
        var attempts = 0
        while true {
            attempts += 1
            // The parser keeps a pointer into the text: one so short that it lies in the value itself must move out.
            text.reserveCapacity(64)
            do {
                return try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                guard attempts < 64, mark(names, at: context.mark) else {
                    throw YAMLMistake.duplicates(names, line: context.mark.line)
                }
            }
        }
    }

    /// Puts the mark before the key at this place; false if none of the names stands there.
    private mutating func mark(_ names: [String], at mark: Mark) -> Bool {
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
        guard lines.indices.contains(mark.line - 1) else { return false }
        let line = lines[mark.line - 1]
        var column = mark.column - 1
        if column >= 0, column < line.count, line[column] == "'" || line[column] == "\"" { column += 1 }
        guard column >= 0, names.contains(where: { line.dropFirst(column).starts(with: $0.unicodeScalars) }) else {
            return false
        }
        lines[mark.line - 1].insert(contentsOf: Self.duplicateMark.unicodeScalars, at: column)
        var marked = String.UnicodeScalarView()
        marked.append(contentsOf: lines.joined(separator: ["\n"]))
        text = String(marked)
        return true
    }

    /// The line of an alias for which there is an anchor; nil in a file without any.
    ///
    /// Looked for in the bare text, before anything follows an alias: nine lines of aliases can stand for a billion values.
    static func lineOfAlias(in text: String) -> Int? {
        let bytes = Array(text.utf8)
        let anchors = Set(names(after: UInt8(ascii: "&"), in: bytes).map { bytes[$0] })
        let alias = names(after: UInt8(ascii: "*"), in: bytes).first { anchors.contains(bytes[$0]) }
        return alias.map { name in bytes[..<name.lowerBound].count { $0 == 0x0A } + 1 }
    }

    private static func names(after sign: UInt8, in bytes: [UInt8]) -> [Range<Int>] {
        bytes.indices.filter { bytes[$0] == sign }.compactMap { sign in
            let end = bytes[(sign + 1)...].firstIndex { !isNameByte($0) } ?? bytes.count
            return end > sign + 1 ? sign + 1..<end : nil
        }
    }

    /// The characters that libyaml takes into an anchor's name.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isDigit || (0x61...0x7A).contains(byte | 0x20) || byte == 0x5F || byte == 0x2D
    }
}

/// What is wrong with a text as YAML.
enum YAMLMistake: Error {
    case duplicates([String], line: Int)

    /// A line and a sentence for what the parser threw.
    static func explain(_ error: any Error) -> (line: Int?, message: String) {
        switch error {
        case YAMLMistake.duplicates(let names, let line):
            (line, "the key '\(names.first ?? "")' stands twice; remove one")
        case YamlError.parser(_, let problem, let mark, _) where problem.contains("nesting level"):
            (mark.line, "is nested deeper than 64 levels; no such file needs to be that deep")
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            (mark.line, "is not YAML at column \(mark.column): \(sentence(context, problem))")
        case YamlError.reader(let problem, let offset, _, let yaml):
            (offset.map { yaml.prefix($0).count { $0.isNewline } + 1 }, "is not YAML: \(problem)")
        default: (nil, "is not YAML: \(error)")
        }
    }

    private static func sentence(_ context: YamlError.Context?, _ problem: String) -> String {
        let isTab = problem.contains("cannot start any token")
        let hint = isTab ? "; quote a value that begins with a special character, and indent with spaces" : ""
        guard let context else { return problem + hint }
        return "\(context.text), \(problem)\(hint)"
    }
}

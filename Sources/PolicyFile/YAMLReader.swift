/// Reads one YAML file and collects everything that is wrong with it.
///
/// Values are asked for by type; what is wrong is reported here with its line, and the asker gets nil. So a whole file is
/// looked through before anybody is told, and nobody has to mend it mistake by mistake.
public final class YAMLReader {
    public let file: String
    private var found: [Problem] = []
    private static let most = 200

    public init(file: String) { self.file = file }

    /// What is wrong so far, in the order of the lines.
    public var problems: [Problem] {
        found.enumerated().sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }.map(
            \.element)
    }

    public func report(line: Int?, path: String = "", _ message: String) {
        let problem = Problem(file: file, line: line, path: path, message: message)
        if found.count < Self.most, !found.contains(problem) { found.append(problem) }
    }

    /// Throws what has been found, if anything.
    public func check() throws(FileProblems) {
        guard found.isEmpty else { throw FileProblems(problems) }
    }

    /// The document's root; nil if there is none, which is then reported.
    public func root(of text: String) -> YAMLValue? {
        guard text.utf8.count <= TextFile.most else {
            report(line: nil, "is over 4 MiB; no such file needs to be that long")
            return nil
        }
        do throws(YAMLMistake) {
            guard let node = try YAMLParser.root(of: text) else {
                report(line: 1, "is empty; write at least 'version: 1'")
                return nil
            }
            return YAMLValue(node: node, reader: self, path: "", line: node.line)
        } catch {
            report(line: error.line, error.message)
            return nil
        }
    }
}

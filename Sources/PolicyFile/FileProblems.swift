/// One mistake in a file, said so that whoever reads it at night knows where to look and what to write.
public struct Problem: Hashable, Sendable, CustomStringConvertible {
    public let file: String
    /// Counted from 1; nil where the file as a whole is meant.
    public let line: Int?
    /// Where in the document, such as `treatments[2].ladder[0].code`; empty for the document itself.
    public let path: String
    /// What is wrong; what to write instead.
    public let message: String

    public init(file: String, line: Int? = nil, path: String = "", message: String) {
        (self.file, self.line, self.path, self.message) = (file, line, path, message)
    }

    /// `file:line: path: message`
    public var description: String {
        var text = file
        if let line { text += ":\(line)" }
        if !path.isEmpty { text += ": \(path)" }
        return "\(text): \(message)"
    }
}

/// Everything that is wrong with a file, in the order of its lines; never empty.
public struct FileProblems: Error, Sendable, CustomStringConvertible {
    public let problems: [Problem]

    public init(_ problems: [Problem]) { self.problems = problems }

    /// One problem a line.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// What is wrong with a policy file.
public typealias PolicyProblems = FileProblems

/// Why a recording cannot be decided about, and what can be done.
public struct RecordingProblem: Error, Equatable, Sendable {
    public enum Kind: Sendable {
        /// The file cannot be opened or read.
        case unreadable
        /// The file is not what it should be, or ends in the middle.
        case malformed
        /// It is sound, and there is nothing in it to decide about.
        case nothingFound
    }

    public let kind: Kind
    public let problem: String
    /// One line each.
    public let advice: [String]

    init(_ kind: Kind, _ problem: String, _ advice: String...) {
        (self.kind, self.problem, self.advice) = (kind, problem, advice)
    }
}

/// Why a command could not be done, and what the reader can do about it.
public struct Failure: Error, Equatable {
    public let status: ExitStatus
    public let problem: String
    /// One line each.
    public let advice: [String]

    public init(_ status: ExitStatus, _ problem: String, advice: [String] = []) {
        (self.status, self.problem, self.advice) = (status, problem, advice)
    }

    /// For standard error; escaped, since a daemon's words may hold an attacker's.
    public func text(_ palette: Palette) -> String {
        let first = "sipguardctl: " + palette.paint(problem.escapedForTerminal, .bad)
        return ([first] + advice.map { "  " + $0.escapedForTerminal }).map { $0 + "\n" }.joined()
    }
}

internal import CJansson

/// Why a text is not JSON, and where.
public struct JSONParseError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, for a person.
    public let message: String
    /// How many bytes were read before the mistake was certain.
    public let offset: Int

    public init(message: String, offset: Int) {
        self.message = message
        self.offset = offset
    }

    init(_ problem: json_error_t) {
        message = withUnsafeBytes(of: problem.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        offset = Int(max(problem.position, 0))
    }

    public var description: String { "\(message) (byte \(offset))" }
}

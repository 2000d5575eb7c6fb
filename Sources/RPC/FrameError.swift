/// What can be wrong with the framing of a connection.
public enum FrameError: Error, Equatable, Sendable {
    case lineTooLong
    case netstringTooLong
    case badNetstring
    case unknownFraming

    /// Whether the end of the bad message cannot be found, so that the connection has to end.
    public var isFinal: Bool { self != .lineTooLong }

    public var code: RPCErrorCode {
        switch self {
        case .lineTooLong, .netstringTooLong: .messageTooLarge
        case .badNetstring, .unknownFraming: .parseError
        }
    }

    /// What is wrong, for a person.
    public func problem(limit: Int) -> String {
        switch self {
        case .lineTooLong, .netstringTooLong: "a message has at most \(limit) bytes"
        case .badNetstring: "not a netstring"
        case .unknownFraming: "a connection begins with a JSON object, a JSON array or a netstring"
        }
    }
}

/// The error codes of JSON-RPC 2.0 section 5.1, and our own from the range it leaves to servers.
public enum RPCErrorCode: Int, CaseIterable, Sendable {
    case parseError = -32700
    case invalidRequest = -32600
    case methodNotFound = -32601
    case invalidParams = -32602
    case internalError = -32603
    case tooManyConnections = -32001
    case messageTooLarge = -32002
    case roleNotAllowed = -32003

    /// The sentence that goes with the code.
    public var message: String {
        switch self {
        case .parseError: "Parse error"
        case .invalidRequest: "Invalid Request"
        case .methodNotFound: "Method not found"
        case .invalidParams: "Invalid params"
        case .internalError: "Internal error"
        case .tooManyConnections: "Too many connections"
        case .messageTooLarge: "Message too large"
        case .roleNotAllowed: "Not allowed for this listener's role"
        }
    }
}

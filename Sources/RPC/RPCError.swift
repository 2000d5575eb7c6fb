public import JSON

/// A call that failed, as the caller is told (JSON-RPC 2.0 section 5.1).
public struct RPCError: Error, Equatable, Sendable {
    public let code: Int
    public let message: String
    public let data: JSONValue?

    public init(code: Int, message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    public init(_ code: RPCErrorCode, data: JSONValue? = nil) {
        self.init(code: code.rawValue, message: code.message, data: data)
    }

    /// Bad parameters: which one, and what is wrong with it.
    public static func invalidParams(_ param: String, _ problem: String) -> RPCError {
        RPCError(.invalidParams, data: ["param": .string(param), "problem": .string(problem)])
    }

    /// Anything else, with a sentence that says what is wrong.
    static func because(_ code: RPCErrorCode, _ problem: String) -> RPCError {
        RPCError(code, data: ["problem": .string(problem)])
    }
}

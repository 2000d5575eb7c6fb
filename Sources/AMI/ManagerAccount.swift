/// Where Asterisk's manager interface is, and as whom to log in.
public struct ManagerAccount: Sendable, Equatable {
    public var host: String
    public var port: UInt16
    public var user: String
    public var secret: Secret

    public init(host: String, port: UInt16, user: String, secret: Secret) {
        (self.host, self.port, self.user, self.secret) = (host, port, user, secret)
    }
}

/// A password that does not get into a log by being printed.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public let text: String

    public init(_ text: String) { self.text = text }

    public var description: String { "(secret)" }
    public var debugDescription: String { "(secret)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Methods of SIP requests (RFC 3261 and its extensions), one bit each.
public struct MethodSet: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let invite = MethodSet(rawValue: 1)
    public static let ack = MethodSet(rawValue: 1 << 1)
    public static let bye = MethodSet(rawValue: 1 << 2)
    public static let cancel = MethodSet(rawValue: 1 << 3)
    public static let register = MethodSet(rawValue: 1 << 4)
    public static let options = MethodSet(rawValue: 1 << 5)
    public static let prack = MethodSet(rawValue: 1 << 6)
    public static let subscribe = MethodSet(rawValue: 1 << 7)
    public static let notify = MethodSet(rawValue: 1 << 8)
    public static let publish = MethodSet(rawValue: 1 << 9)
    public static let info = MethodSet(rawValue: 1 << 10)
    public static let refer = MethodSet(rawValue: 1 << 11)
    public static let message = MethodSet(rawValue: 1 << 12)
    public static let update = MethodSet(rawValue: 1 << 13)

    /// The set of this one method; empty where it is unknown or none of these.
    public init(_ method: Bytes) {
        guard let (name, set) = Self.candidate(method), method.equals(lowercase: name) else {
            self = []
            return
        }
        self = set
    }

    /// The only method with this first letter and length.
    private static func candidate(_ method: Bytes) -> (StaticString, MethodSet)? {
        guard let first = method.first else { return nil }
        return switch (first.lowercased, method.count) {
        case (UInt8(ascii: "i"), 6): ("invite", .invite)
        case (UInt8(ascii: "a"), 3): ("ack", .ack)
        case (UInt8(ascii: "b"), 3): ("bye", .bye)
        case (UInt8(ascii: "c"), 6): ("cancel", .cancel)
        case (UInt8(ascii: "r"), 8): ("register", .register)
        case (UInt8(ascii: "o"), 7): ("options", .options)
        case (UInt8(ascii: "p"), 5): ("prack", .prack)
        case (UInt8(ascii: "s"), 9): ("subscribe", .subscribe)
        case (UInt8(ascii: "n"), 6): ("notify", .notify)
        case (UInt8(ascii: "p"), 7): ("publish", .publish)
        case (UInt8(ascii: "i"), 4): ("info", .info)
        case (UInt8(ascii: "r"), 5): ("refer", .refer)
        case (UInt8(ascii: "m"), 7): ("message", .message)
        case (UInt8(ascii: "u"), 6): ("update", .update)
        default: nil
        }
    }
}

import Policy

/// A security event of Asterisk about a SIP request.
///
/// Users, Call-IDs and digests in it are whatever the sender of the request wrote, line breaks included. So an event counts only
/// if its lines are those that Asterisk writes, in its order (`main/security_events.c`) and each once: the address is then
/// the one that Asterisk saw, since nothing of the sender's stands in front of it that could hold a whole event.
public struct SecurityEvent: Equatable, Sendable {
    public enum Kind: String, Sendable {
        case invalidAccountID = "InvalidAccountID"
        case challengeSent = "ChallengeSent"
        case challengeResponseFailed = "ChallengeResponseFailed"
        case invalidPassword = "InvalidPassword"
        case successfulAuth = "SuccessfulAuth"
        case failedACL = "FailedACL"
        case requestNotSupported = "RequestNotSupported"
    }

    public let kind: Kind
    /// The account; nil where Asterisk knows none.
    public let account: [UInt8]?
    /// The Call-ID.
    public let session: [UInt8]
    public let source: IPAddress
    public let transport: Transport
    /// The digest's response, which is another one for each password.
    public let response: [UInt8]

    /// What a frame is.
    public enum Reading: Equatable, Sendable {
        case event(SecurityEvent)
        /// A reply, or an event that is none of ours.
        case other
        /// An event of ours that ends too early: what follows is its rest.
        case truncated
        case malformed
    }

    private static let required = [
        "EventTV", "Severity", "Service", "EventVersion", "AccountID", "SessionID", "LocalAddress", "RemoteAddress",
    ].map { Array($0.utf8) }

    /// Lines that manager.conf and a debugging Asterisk add behind `Privilege`.
    private static let optional = ["Timestamp", "SequenceNumber", "File", "Line", "Func", "SystemName"]
        .map { Array($0.utf8) }

    /// Reads a frame; never guesses.
    public static func read(_ frame: Frame) -> Reading {
        guard let fields = frame.fields, let first = fields.first else { return .malformed }
        if first.key.elementsEqual("Response".utf8) { return .other }
        guard first.key.elementsEqual("Event".utf8), fields.count > 1,
            fields[1].key.elementsEqual("Privilege".utf8)
        else { return .malformed }
        guard fields[1].value.elementsEqual("security,all".utf8) else { return .other }
        let rest = fields.dropFirst(2).drop { field in optional.contains { $0.elementsEqual(field.key) } }
        let isInOrder = zip(rest, required).allSatisfy { $0.key.elementsEqual($1) }
        guard isInOrder else { return .malformed }
        guard rest.count >= required.count else { return .truncated }
        let values = rest.map(\.value)
        guard ["PJSIP", "SIP"].contains(where: { values[2].elementsEqual($0.utf8) }),
            let kind = Kind(rawValue: String(decoding: first.value, as: UTF8.self))
        else { return .other }
        guard let (source, transport) = address(values[7]) else { return .malformed }
        let response = rest.first { $0.key.elementsEqual("Response".utf8) }?.value ?? []
        return .event(
            SecurityEvent(
                kind: kind, account: account(values[4]), session: Array(values[5]), source: source,
                transport: transport, response: Array(response)))
    }

    private static func account(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        let isNobody = value.isEmpty || value.elementsEqual("<unknown>".utf8) || value.elementsEqual("anonymous".utf8)
        return isNobody ? nil : Array(value)
    }

    /// Reads `IPV4/UDP/192.0.2.1/5060`.
    private static func address(_ value: ArraySlice<UInt8>) -> (IPAddress, Transport)? {
        let parts = value.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 4, let address = parts[2].withUnsafeBufferPointer({ IPAddress(bytes: $0) }),
            parts[0].elementsEqual("IPV4".utf8) || parts[0].elementsEqual("IPV6".utf8),
            parts[0].elementsEqual("IPV6".utf8) || address.isV4,
            let transport = Transport(rawValue: String(decoding: parts[1], as: UTF8.self).lowercased()),
            let port = Int(String(decoding: parts[3], as: UTF8.self)), (0...65535).contains(port)
        else { return nil }
        return (address, transport)
    }
}

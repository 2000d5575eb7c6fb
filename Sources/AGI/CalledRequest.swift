import Policy

/// The INVITE that reached the dialplan.
public struct CalledRequest: Equatable, Sendable {
    public let source: IPAddress
    /// Start line and headers as far as they were asked for.
    public let message: [UInt8]
    /// Whether lines came that Asterisk never wrote.
    public internal(set) var isForged = false

    /// The word for that in `RequestFacts`' field `anomaly`.
    public static let anomaly: StaticString = "forged-lines"

    /// - Parameter remote: `192.0.2.1:5060` or `[2001:db8::1]:5060`.
    init?(remote: [UInt8], message: [UInt8]) {
        let source = remote.withUnsafeBufferPointer { remote -> IPAddress? in
            guard let colon = remote.lastIndex(of: 0x3A) else { return nil }
            return IPAddress(bytes: remote.part(0, colon))
        }
        guard let source else { return nil }
        (self.source, self.message) = (source, message)
    }

    /// What the engine is to decide about; the facts point into this for as long as `body` runs.
    ///
    /// The dialplan does not tell the transport, and the topmost Via is the caller's own word, so nothing counts as proof
    /// of the source.
    public func withFacts<Result>(_ body: (RequestFacts) -> Result) -> Result {
        message.withUnsafeBufferPointer { message in
            var facts = RequestFacts(source: source)
            MessageReader.read(message, into: &facts)
            guard isForged else { return body(facts) }
            return Self.anomaly.withUTF8Buffer {
                facts[.anomaly] = $0
                return body(facts)
            }
        }
    }
}

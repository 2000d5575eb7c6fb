#if !ONE_MODULE
    import Policy
#endif

/// The INVITE that reached the dialplan.
public struct CalledRequest: Equatable, Sendable {
    public let source: IPAddress
    /// Start line and headers as far as they were asked for.
    public let message: [UInt8]
    /// Whether lines came that Asterisk never wrote, or names that would become such lines.
    public var isForged = false

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
        // Few requests have an escape, and reading all of them for it costs as much as deciding.
        isForged = message.withUnsafeBufferPointer({ $0.index(of: 0x25) }) != nil && writesControlCharacters
    }

    /// - Parameter values: source, Request-URI, and then those of `Facts.headers`, as many as are known.
    ///
    /// They are put together to a request, so that it is read by who reads requests elsewhere.
    init?(values: [[UInt8]]) {
        var message: [UInt8] = []
        message.reserveCapacity(values.reduce(128) { $0 + $1.count })
        message.append("INVITE ")
        message += values[1]
        message.append(" SIP/2.0\r\n")
        for (header, value) in zip(Facts.headers, values.dropFirst(2)) where !value.isEmpty {
            message.append(header)
            message += value
            message.append("\r\n")
        }
        message.append("\r\n")
        self.init(remote: values[0], message: message)
    }

    /// Whether the caller's or the called name has control characters in escaped form. No phone writes them; Asterisk
    /// decodes them and prints them as they are.
    private var writesControlCharacters: Bool {
        withFacts { $0[.fromUser].escapesControlCharacters || $0[.ruri].escapesControlCharacters }
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

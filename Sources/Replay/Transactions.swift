import Policy

/// From messages to what a proxy would have asked and reported: requests that come to the server, and what its responses
/// say of them.
///
/// As the integrations do, ACK and CANCEL are not asked about. A response is found by the topmost Via's branch, the Call-ID and
/// the CSeq (RFC 3261 section 17.1.3); only the first final one counts.
struct Transactions {
    static let most = 16_384
    static let mostNonces = 16_384

    private struct Open {
        let request: RecordedRequest
        let hasCredentials: Bool
        let method: [UInt8]
        let fromTag: [UInt8]
    }

    let servers: Servers
    private var open = BoundedTable<[UInt8], Open>(most: Self.most)
    private var nonces = BoundedTable<[UInt8], Bool>(most: Self.mostNonces)

    init(servers: Servers) { self.servers = servers }

    mutating func take(_ message: CapturedMessage, _ body: (RecordedEvent) -> Void) {
        if message.isResponse {
            if servers.contains(message.from), let event = response(message) { body(event) }
        } else if servers.contains(message.to), let event = request(message) {
            body(event)
        }
    }

    private mutating func request(_ message: CapturedMessage) -> RecordedEvent? {
        var request = RecordedRequest(
            source: message.from.address, transport: message.transport, message: message.bytes)
        let nonce = message.bytes.withUnsafeBufferPointer { bytes in
            Array(HeaderValue.quoted("nonce", in: Self.authorization(bytes)))
        }
        request.nonceIsValid = !nonce.isEmpty && nonces[Self.key(message.from.address, nonce)] == true
        let key = request.withFacts { facts -> [UInt8]? in
            let method = facts[.method]
            if method.equals(lowercase: "ack") || method.equals(lowercase: "cancel") { return nil }
            let key = Self.key(message.from.address, facts, method)
            open[key] = Open(
                request: request, hasCredentials: facts[.authUser].isKnown, method: Array(method),
                fromTag: Array(facts[.fromTag]))
            return key
        }
        return key == nil ? nil : RecordedEvent(at: message.at, kind: .request, request: request)
    }

    private mutating func response(_ message: CapturedMessage) -> RecordedEvent? {
        let response = RecordedRequest(source: message.to.address, transport: message.transport, message: message.bytes)
        return response.withFacts { facts -> RecordedEvent? in
            // The reader takes the start line as a request's: the second word is the status code.
            guard let status = facts[.ruri].decimal, (200...699).contains(status) else { return nil }
            return message.bytes.withUnsafeBufferPointer { bytes -> RecordedEvent? in
                let challenge = Self.challenge(bytes)
                let nonce = Array(HeaderValue.quoted("nonce", in: challenge))
                if !nonce.isEmpty { nonces[Self.key(message.to.address, nonce)] = true }
                let cseq = HeaderValue.find("cseq", in: bytes)
                let method = cseq.part((cseq.lastIndex { $0.isSpace } ?? -1) + 1, cseq.count)
                guard let open = open.remove(Self.key(message.to.address, facts, method)) else { return nil }
                // Another From tag than the request's is an answer that was to disarm a tool: the server did not log it in.
                guard open.fromTag.elementsEqual(facts[.fromTag]) else { return nil }
                let isStale = challenge.contains(lowercase: "stale=true")
                let outcome = Self.outcome(status, open.hasCredentials, isStale, namesContact: Self.namesContact(bytes))
                var request = open.request
                request.concernsToUser = outcome == .unknownUser
                return RecordedEvent(at: message.at, kind: .report(outcome), request: request)
            }
        }
    }

    private static func outcome(
        _ status: Int, _ hasCredentials: Bool, _ isStale: Bool, namesContact: Bool
    ) -> Outcome {
        switch status {
        case 200..<300: hasCredentials && namesContact ? .authOK : .accepted
        case 401, 407: hasCredentials && !isStale ? .authFailed : .challenged
        case 403: hasCredentials ? .authFailed : .rejected
        case 404: .unknownUser
        default: .rejected
        }
    }

    /// Whether a response says where somebody is reached: the bindings that a registrar must list (RFC 3261 section 10.3,
    /// step 8), or the server of a dialog (section 12.1.1). A plain 200 that was to deceive a guesser says nothing of the kind.
    private static func namesContact(_ message: Bytes) -> Bool {
        HeaderValue.find("contact", compact: UInt8(ascii: "m"), in: message).count > 0
    }

    private static func authorization(_ message: Bytes) -> Bytes {
        let value = HeaderValue.find("authorization", in: message)
        return value.isKnown ? value : HeaderValue.find("proxy-authorization", in: message)
    }

    private static func challenge(_ message: Bytes) -> Bytes {
        let value = HeaderValue.find("www-authenticate", in: message)
        return value.isKnown ? value : HeaderValue.find("proxy-authenticate", in: message)
    }

    private static func key(_ source: IPAddress, _ facts: RequestFacts, _ method: Bytes) -> [UInt8] {
        let number = Array("\(facts.cseq ?? 0)".utf8)
        return key(source, facts[.viaBranch] + [0] + facts[.callID] + [0] + number + [0] + method)
    }

    private static func key(_ source: IPAddress, _ text: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: source.value) { Array($0) } + text.prefix(1024)
    }
}

/// A dictionary of so many entries; the oldest makes room.
struct BoundedTable<Key: Hashable, Value> {
    private var values: [Key: Value] = [:]
    private var ring: [Key] = []
    private var next = 0
    private let most: Int

    init(most: Int) { self.most = most }

    var count: Int { values.count }

    subscript(key: Key) -> Value? {
        get { values[key] }
        set {
            if values.updateValue(newValue!, forKey: key) == nil { note(key) }
        }
    }

    mutating func remove(_ key: Key) -> Value? { values.removeValue(forKey: key) }

    private mutating func note(_ key: Key) {
        if ring.count < most {
            ring.append(key)
        } else {
            values[ring[next]] = nil
            ring[next] = key
            next = (next + 1) % most
        }
    }
}

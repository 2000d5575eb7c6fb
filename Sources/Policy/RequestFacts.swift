/// A textual fact of a request, with its name in policies and on the wire.
public enum Field: Int, CaseIterable, Sendable {
    case method, ruri
    case fromUser, fromDomain, fromDisplay, fromTag
    case toUser, toDomain, toTag
    case contact, userAgent, callID
    case viaHost, viaBranch
    case authUser, authRealm
    case node, sdpSession
    /// What whoever asks found wrong with the way in which the request came, in one word such as `forged-lines`.
    case anomaly

    /// The `snake_case` name, written once here.
    public var name: String {
        switch self {
        case .method: "method"
        case .ruri: "ruri"
        case .fromUser: "from_user"
        case .fromDomain: "from_domain"
        case .fromDisplay: "from_display"
        case .fromTag: "from_tag"
        case .toUser: "to_user"
        case .toDomain: "to_domain"
        case .toTag: "to_tag"
        case .contact: "contact"
        case .userAgent: "user_agent"
        case .callID: "call_id"
        case .viaHost: "via_host"
        case .viaBranch: "via_branch"
        case .authUser: "auth_user"
        case .authRealm: "auth_realm"
        case .node: "node"
        case .sdpSession: "sdp_session"
        case .anomaly: "anomaly"
        }
    }

    public init?(name: String) {
        guard let field = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = field
    }
}

/// The transport that carried a request (RFC 3261 section 18, RFC 7118 for WebSocket, RFC 4168 for SCTP).
public enum Transport: String, CaseIterable, Sendable {
    case udp, tcp, tls, ws, wss, sctp

    /// Whether the source address is proven by a handshake; over UDP anybody can forge it.
    public var provesSource: Bool { self != .udp }
}

/// What is known of one SIP request. Everything but the source may be unknown, which is never suspicious by itself.
public struct RequestFacts {
    public var source: IPAddress
    public var transport: Transport?
    public var maxForwards: Int?
    public var cseq: Int?
    /// Whether the digest answered a nonce of ours, which proves the return path.
    public var nonceIsValid: Bool
    /// How many requests this one stands for.
    public var count: Int
    /// The feeds that name the source, by their places in the policy, one bit each.
    public var feeds: UInt32 = 0
    @usableFromInline var fields: InlineArray<19, Bytes>

    @inlinable
    public init(source: IPAddress) {
        self.source = source
        (nonceIsValid, count) = (false, 1)
        fields = InlineArray(repeating: Bytes(start: nil, count: 0))
    }

    /// Inlined everywhere: a call would copy all of them to look at one. There is a place for each field.
    @inlinable
    public subscript(field: Field) -> Bytes {
        @inline(__always) get { fields[unchecked: field.rawValue] }
        @inline(__always) set { fields[unchecked: field.rawValue] = newValue }
    }

    /// Lends the textual facts where they lie, so that looking at many of them copies none.
    @inlinable
    @inline(__always)
    public borrowing func withTexts<Result>(_ body: (Texts) -> Result) -> Result {
        withUnsafePointer(to: fields) { pointer in
            pointer.withMemoryRebound(to: Bytes.self, capacity: 19) { body(Texts(start: $0)) }
        }
    }

    /// The user this request is about: whom it authenticates as, else whom it registers or calls from.
    public var user: Bytes {
        if self[.authUser].isKnown { return self[.authUser] }
        return self[.fromUser]
    }

    /// Where the number that a request dials stands: in the Request-URI, else in To.
    var dialled: Bytes { self[.ruri].isKnown ? self[.ruri] : self[.toUser] }

    public var provesSource: Bool { nonceIsValid || transport?.provesSource == true }
}

/// The textual facts of a request for as long as they are lent.
public struct Texts {
    @usableFromInline let start: UnsafePointer<Bytes>

    @inlinable
    init(start: UnsafePointer<Bytes>) { self.start = start }

    /// The fact whose field has this raw value.
    @inlinable
    public subscript(index: Int) -> Bytes { start[index] }

    @inlinable
    public subscript(field: Field) -> Bytes { start[field.rawValue] }
}

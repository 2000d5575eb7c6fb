import Policy

/// One thing that a recording tells: a request that came, or what became of one.
public struct RecordedEvent: Sendable {
    public enum Kind: Hashable, Sendable {
        case request
        case report(Outcome)
    }

    public let at: Instant
    public let kind: Kind
    public let request: RecordedRequest
    /// The verdict that was given then, where the recording tells it.
    public var verdict: String?
    /// The block feeds that named the source then.
    public var feeds: [String] = []

    public init(at: Instant, kind: Kind, request: RecordedRequest, verdict: String? = nil) {
        (self.at, self.kind, self.request, self.verdict) = (at, kind, request, verdict)
    }
}

/// A request as it was recorded: with its own bytes, of which facts are views.
public struct RecordedRequest: Sendable {
    public var source: IPAddress
    public var transport: Transport?
    public var cseq: Int?
    public var maxForwards: Int?
    public var nonceIsValid = false
    public var count = 1
    /// Where no credentials tell the user, it is the one of To: for a report of a user that does not exist.
    public var concernsToUser = false
    private var bytes: [UInt8] = []
    private var fields: [(field: Field, range: Range<Int>)] = []
    private var message: Range<Int>?

    public init(source: IPAddress) { self.source = source }

    /// A request as it was received.
    init(source: IPAddress, transport: Transport, message: [UInt8]) {
        self.init(source: source)
        self.transport = transport
        (bytes, self.message) = (message, 0..<message.count)
    }

    mutating func set(_ field: Field, _ value: some Collection<UInt8>) {
        let start = bytes.count
        bytes += value
        fields.append((field, start..<bytes.count))
    }

    mutating func setMessage(_ value: some Collection<UInt8>) {
        let start = bytes.count
        bytes += value
        message = start..<bytes.count
    }

    /// Lends the facts, which are views that end with the call.
    public func withFacts<Result>(_ body: (RequestFacts) -> Result) -> Result {
        // One byte more, so that an empty value has an address and is known.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytes.count + 1) { memory in
            _ = memory.update(from: bytes)
            let view = Bytes(memory)
            var facts = RequestFacts(source: source)
            (facts.transport, facts.nonceIsValid, facts.count) = (transport, nonceIsValid, count)
            (facts.cseq, facts.maxForwards) = (cseq, maxForwards)
            for (field, range) in fields { facts[field] = view.part(range.lowerBound, range.upperBound) }
            if let message { MessageReader.read(view.part(message.lowerBound, message.upperBound), into: &facts) }
            if concernsToUser, !facts[.authUser].isKnown { facts[.authUser] = facts[.toUser] }
            return body(facts)
        }
    }
}

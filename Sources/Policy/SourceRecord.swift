/// All that is kept of one source: plain bits without references, so that a table of them is bounded and needs no care.
public struct SourceRecord: Sendable {
    /// The address that stands for the source (an IPv6 source is a /64 unless the policy says otherwise).
    public let address: IPAddress
    public var firstSeen: Instant
    public var lastSeen: Instant
    public var lastAuthOK = Instant.never
    public var bannedSince = Instant.never
    public var bannedUntil = Instant.never
    public var requests: UInt32 = 0
    /// How many of them there were when it was last silent for ten minutes.
    public var requestsAtRest: UInt32 = 0
    public var answers: UInt32 = 0
    public var dropped: UInt32 = 0
    public var authOK: UInt32 = 0
    public var authFailed: UInt32 = 0
    public var unknownUser: UInt32 = 0
    public var challenged: UInt32 = 0
    public var flood = Flood()
    public var last = LastDecision()
    /// Bans so far; starts again after the policy's decay.
    public var banCount: UInt8 = 0
    /// Whether a request of it has had an answer of the proxy's own, as reports tell.
    public var hasBeenAnswered = false
    /// Whether a request of the present flood, or of the one that earned the ban, proved its source address.
    public var isProven = false

    public init(address: IPAddress, now: Instant) {
        (self.address, firstSeen, lastSeen) = (address, now, now)
    }

    public var failures: UInt32 { authFailed &+ unknownUser }

    public func isBanned(_ now: Instant) -> Bool { bannedUntil > now }

    public func isTrusted(_ trust: Trust, now: Instant) -> Bool { trust.credit(for: lastAuthOK, now: now).isTrusted }
}

/// A source's attack, from its first message until it has been quiet, and where its treatment stands.
public struct Flood: Sendable {
    public var treatment = NameID.none
    /// The rule or signature that began the treatment.
    public var rule = NameID.none
    public var tool = NameID.none
    /// The limit that the source exceeded, if one did: then all that it sends is treated, marks or none.
    public var behaviour = NameID.none
    public var since = Instant.never
    public var lastMessage = Instant.never
    public var messages: UInt32 = 0
    /// Those of them that came as a phone's do, and lead to no ban.
    public var excused: UInt32 = 0
    public var messagesAfterAnswer: UInt32 = 0
    public var answers: UInt32 = 0
    /// How often the present rung has answered.
    public var timesOnRung: UInt32 = 0
    public var rung: UInt8 = 0
    /// Users who have logged in for the first time while it is treated.
    public var logins: UInt8 = 0
    /// The incident that it is part of, as whoever keeps those numbers them; 0 for none.
    public var incident: UInt32 = 0
    /// Whether its end has been counted.
    public var isSettled = true

    public init() {}

    public var isPresent: Bool { treatment != .none }

    /// Whether it has gone on for so many messages, those aside that are excused; but patience is endless for nobody.
    func isDue(after messages: Int) -> Bool {
        Int(self.messages) - min(Int(excused), 1000 * messages) >= messages
    }

    /// Takes messages back that are held against it.
    mutating func excuse(_ count: Int) {
        excused.add(count)
        excused = min(excused, messages)
    }

    /// Whether the marks of requests began it, rather than behaviour.
    public var hasMarks: Bool { tool != .none }
}

/// The newest decision about a source.
public struct LastDecision: Sendable {
    public var id: UInt64 = 0
    public var rule = NameID.none
    public var verdict = Verdict.pass
    public init() {}
}

extension UInt32 {
    /// Adds without ever wrapping around.
    mutating func add(_ count: Int) {
        let (sum, overflow) = addingReportingOverflow(UInt32(clamping: count))
        self = overflow ? .max : sum
    }
}

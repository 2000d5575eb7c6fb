import Policy

/// One attack, from the message with which it was recognised to its last: what it was answered, and what that did.
///
/// Many sources make one incident where they carry the mark of one tool or go for one user.
public struct Incident: Sendable {
    /// What it was when it was recognised; the policy may have changed since.
    public struct Subject: Sendable {
        public var rule: String
        /// nil: known by its behaviour.
        public var tool: String?
        public var purpose: Purpose
        public var treatment: String
        /// The user that many sources go for, where the rule is about one.
        public var target: String?
        /// Whether the policy only looks on.
        public var isShadow: Bool

        public init(
            rule: String, tool: String?, purpose: Purpose, treatment: String, target: String?, isShadow: Bool
        ) {
            (self.rule, self.tool, self.purpose) = (rule, tool, purpose)
            (self.treatment, self.target, self.isShadow) = (treatment, target, isShadow)
        }
    }

    /// Of the many sources that an incident may have, this many are named.
    public static let namedSources = 16

    /// Counts up from 1; the place in the table.
    public let number: UInt32
    /// The id of the decision that recognised it.
    public let id: UInt64
    public let subject: Subject
    public let since: Instant
    public internal(set) var lastMessage: Instant
    /// Requests that its sources had sent before they were recognised, since they were last quiet.
    public internal(set) var messagesBefore: UInt64 = 0
    /// Requests of its sources since then.
    public internal(set) var messages: UInt64 = 0
    public internal(set) var answers: UInt64 = 0
    /// Requests from sources that had been answered already: what an answer did not stop.
    public internal(set) var messagesAfterAnswer: UInt64 = 0
    /// Sources that have joined. One that comes back after it was forgotten counts again.
    public internal(set) var sources: UInt32 = 0
    public internal(set) var firstSources: [IPAddress] = []
    public internal(set) var bans: UInt32 = 0
    /// The highest rung of the treatment's ladder, 0 for the first.
    public internal(set) var rung: UInt8 = 0

    init(number: UInt32, id: UInt64, subject: Subject, since: Instant) {
        (self.number, self.id, self.subject, self.since, lastMessage) = (number, id, subject, since, since)
    }

    /// From its recognition to its last message.
    public var duration: Duration { lastMessage - since }

    mutating func join(_ source: IPAddress, before: UInt32) {
        if sources < .max { sources += 1 }
        messagesBefore += UInt64(before)
        if firstSources.count < Self.namedSources { firstSources.append(source) }
    }
}

/// What makes two floods one incident.
public enum IncidentKey: Hashable, Sendable {
    /// All that carry the mark of one tool.
    case tool(NameID)
    /// All that go for one user, as one rule sees it; the user as a hash.
    case target(NameID, Int)
    /// One source whose behaviour one rule caught.
    case source(NameID, IPAddress)
    /// All that one rule caught, whoever they are.
    case rule(NameID)

    /// The rule, where the incident is not about a whole tool or rule.
    var narrowRule: NameID? {
        switch self {
        case .target(let rule, _), .source(let rule, _): rule
        case .tool, .rule: nil
        }
    }
}

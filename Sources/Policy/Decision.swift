/// What was decided about a request, and what that changed.
public struct Decision: Sendable {
    /// By which it is found again; 0 where nobody is to find it.
    public var id: UInt64 = 0
    public var answer: Answer
    /// The name of what decided.
    public var rule: String
    public var ruleID: NameID
    /// Where a rate limit decided: when to come again.
    public var retryAfter: Duration?
    /// Whether a treatment decided: the request is part of a flood.
    public var isTreated = false
    /// What a rule in shadow mode would have done.
    public var shadow: Shadow?
    public var hits = Hits()
    public var events = Events()
    /// For what the proxy may give this answer again without asking.
    public var lease: Lease?
    /// Answers of the flood that was seen to have ended, with `.floodEnded`.
    public var endedFloodAnswers: UInt32 = 0

    public struct Shadow: Sendable {
        public let verdict: Verdict
        public let rule: String
    }

    /// What happened on the way, for counting and for logging once a change.
    public struct Events: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        public static let floodBegan = Events(rawValue: 1)
        public static let floodEnded = Events(rawValue: 2)
        public static let banned = Events(rawValue: 4)
        public static let sourceBudgetSpent = Events(rawValue: 8)
        public static let totalBudgetSpent = Events(rawValue: 16)
    }

    /// Nothing decides: the request passes.
    public init() { self.init(.pass, rule: RuleName.default, id: .default) }

    init(_ answer: Answer, rule: String, id: NameID) {
        (self.answer, self.rule, ruleID) = (answer, rule, id)
    }

    init(_ answer: Answer, rule: String) { self.init(answer, rule: rule, id: NameID(rule)) }

    /// What decides, and how.
    mutating func decide(_ answer: Answer, rule: String, id: NameID) {
        (self.answer, self.rule, ruleID) = (answer, rule, id)
    }

    /// Where the policy only looks on.
    mutating func becomeWatched() {
        shadow = Shadow(verdict: answer.verdict, rule: rule)
        answer = .pass
    }
}

/// Which signatures and limits matched, by their index in the ruleset.
public struct Hits: Sendable {
    public static let mostSignatures = 512
    public static let mostLimits = 128

    private var words = InlineArray<10, UInt64>(repeating: 0)
    public private(set) var isEmpty = true

    mutating func addSignature(_ index: Int) { set(index) }
    mutating func addLimit(_ index: Int) { set(Self.mostSignatures + index) }

    private mutating func set(_ bit: Int) {
        words[bit >> 6] |= 1 << UInt64(bit & 63)
        isEmpty = false
    }

    public func forEachSignature(_ body: (Int) -> Void) { visit(0..<8, body) }
    public func forEachLimit(_ body: (Int) -> Void) { visit(8..<10, body) }

    private func visit(_ range: Range<Int>, _ body: (Int) -> Void) {
        for index in range {
            var word = words[index]
            while word != 0 {
                body((index - range.lowerBound) * 64 + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }
}

/// The steps of a decision in words, for people; only made when somebody asks.
public struct Trace: Sendable {
    public struct Step: Equatable, Sendable {
        public let step: String
        public let outcome: String
        /// Whether the decision came to it; otherwise it was looked at afterwards, and decided nothing.
        public let isTaken: Bool
    }

    public private(set) var steps: [Step] = []

    public init() {}

    public mutating func add(_ step: String, _ outcome: String, isTaken: Bool = true) {
        steps.append(Step(step: step, outcome: outcome, isTaken: isTaken))
    }
}

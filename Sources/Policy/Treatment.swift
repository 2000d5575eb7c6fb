/// What the proxy sends.
public enum Answer: Hashable, Sendable {
    case pass
    case drop
    case reject(code: Int, reason: String)
    /// 200 OK as a registrar or a callee would say it.
    case plain200
    /// 200 OK whose From tag the tool's own parser gives up on.
    case disarm200

    /// Whether something is sent to the source, which costs answer budget.
    public var isSent: Bool {
        switch self {
        case .pass, .drop: false
        case .reject, .plain200, .disarm200: true
        }
    }

    public var verdict: Verdict {
        switch self {
        case .pass: .pass
        case .drop: .drop
        case .reject: .reject
        case .plain200, .disarm200: .ok200
        }
    }
}

/// One rung of a ladder: an answer, and how many times it is tried before the next rung.
public struct Rung: Hashable, Sendable {
    public let answer: Answer
    /// nil: for good. The last rung has no end.
    public let times: Int?

    public init(answer: Answer, times: Int?) { (self.answer, self.times) = (answer, times) }
}

/// Which attackers a treatment is for; what is not said does not matter.
public struct Indication: Sendable {
    public let tools: Set<NameID>
    public let purposes: Set<Purpose>
    public let methods: [[UInt8]]
    /// Whether the source must have had an answer from the proxy or from us before.
    public let answered: Bool?

    public init(tools: Set<NameID>, purposes: Set<Purpose>, methods: [[UInt8]], answered: Bool?) {
        (self.tools, self.purposes, self.methods, self.answered) = (tools, purposes, methods, answered)
    }

    func fits(_ cause: Cause, method: Bytes, answered isAnswered: Bool) -> Bool {
        if !tools.isEmpty, !tools.contains(cause.toolID) { return false }
        if !purposes.isEmpty, !purposes.contains(cause.purpose) { return false }
        if let answered, answered != isAnswered { return false }
        if methods.isEmpty { return true }
        for wanted in methods where wanted.withUnsafeBufferPointer({ method.sameBytes(as: $0) }) { return true }
        return false
    }
}

/// How a kind of attacker is answered until it is silent.
public struct Treatment: Sendable {
    public let name: String
    public let id: NameID
    public let indication: Indication
    /// From the first answer to the last resort; never empty.
    public let ladder: [Rung]
    /// How long it goes on after the source's last message.
    public let hold: Duration

    var lastRung: UInt8 { UInt8(clamping: ladder.count - 1) }

    public init(name: String, indication: Indication, ladder: [Rung], hold: Duration) {
        precondition(!ladder.isEmpty)
        (self.name, id, self.indication, self.ladder, self.hold) = (name, NameID(name), indication, ladder, hold)
    }
}

/// Why a treatment begins.
public struct Cause: Sendable {
    public let rule: String
    public let ruleID: NameID
    public let tool: String
    public let toolID: NameID
    public let purpose: Purpose
    /// Whether it is about one user of a source, so that nothing is held against the others.
    var isNarrow = false

    init(_ signature: Signature) {
        (rule, ruleID) = (signature.name, signature.id)
        (tool, toolID, purpose) = (signature.tool, signature.toolID, signature.purpose)
    }

    init(_ limit: LimitRule) {
        (rule, ruleID, tool, toolID, purpose) = (limit.name, limit.id, "", .none, limit.purpose)
    }
}

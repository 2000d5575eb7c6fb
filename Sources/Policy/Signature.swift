/// Whether a rule or signature acts, only counts what it would have done, or rests.
public enum Mode: String, CaseIterable, Sendable {
    case enforce, shadow, off
}

/// How one value is compared. Text is held in lower case and compared without ASCII case.
public enum Matcher: Sendable {
    case equals([[UInt8]])
    case prefix([[UInt8]])
    case suffix([[UInt8]])
    case contains([[UInt8]])
    case shape(Shape)
    case form(Form)

    func matches(_ value: Bytes, in facts: RequestFacts) -> Bool {
        switch self {
        case .equals(let texts): Self.any(texts) { value.count == $0.count && value.hasPrefix(lowercase: $0) }
        case .prefix(let texts): Self.any(texts) { value.hasPrefix(lowercase: $0) }
        case .suffix(let texts): Self.any(texts) { value.hasSuffix(lowercase: $0) }
        case .contains(let texts): Self.any(texts) { value.contains(lowercase: $0) }
        case .shape(let shape): shape.matches(value)
        case .form(let form): form.matches(value, in: facts)
        }
    }

    private static func any(_ texts: [[UInt8]], _ matches: (Bytes) -> Bool) -> Bool {
        for text in texts where text.withUnsafeBufferPointer(matches) { return true }
        return false
    }
}

/// One thing to look at: true if any of the fields is known and matches.
public struct Condition: Sendable {
    public let fields: [Field]
    public let matcher: Matcher

    public init(fields: [Field], matcher: Matcher) {
        (self.fields, self.matcher) = (fields, matcher)
    }

    func holds(for facts: RequestFacts) -> Bool {
        for field in fields where facts[field].isKnown && matcher.matches(facts[field], in: facts) { return true }
        return false
    }
}

/// A mark that requests of a tool carry. Marks score; a request whose marks add up to the policy's threshold is treated.
public struct Signature: Sendable {
    public let name: String
    public let id: NameID
    /// The tool family that the mark betrays, for the choice of the answer.
    public let tool: String
    public let toolID: NameID
    public let purpose: Purpose
    public let weight: Int
    public let mode: Mode
    /// All of them must hold.
    public let conditions: [Condition]

    public init(
        name: String, tool: String, purpose: Purpose, weight: Int, mode: Mode, conditions: [Condition]
    ) {
        (self.name, id) = (name, NameID(name))
        (self.tool, toolID) = (tool, NameID(tool))
        (self.purpose, self.weight, self.mode, self.conditions) = (purpose, weight, mode, conditions)
    }

    public func matches(_ facts: RequestFacts) -> Bool {
        for condition in conditions where !condition.holds(for: facts) { return false }
        return !conditions.isEmpty
    }
}

/// What an attacker is after, as far as it can be told; the answer depends on it.
public enum Purpose: String, CaseIterable, Sendable {
    /// Looking for SIP servers.
    case scan
    /// Looking for users.
    case enumeration
    /// Guessing passwords.
    case cracking
    /// Dialling at somebody's cost.
    case fraud
    /// SQL and other injection in headers.
    case injection
    /// Mere volume.
    case flood
}

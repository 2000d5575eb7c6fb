/// Whether a rule or signature acts, only counts what it would have done, or rests.
public enum Mode: String, CaseIterable, Sendable {
    case enforce, shadow, off
}

/// How one value is compared. Text is held in lower case and compared without ASCII case, by a `SignatureMatcher`.
public enum Matcher: Sendable {
    case equals([[UInt8]])
    case prefix([[UInt8]])
    case suffix([[UInt8]])
    case contains([[UInt8]])
    case shape(Shape)
    case form(Form)
    /// International numbers that begin with one of these, country code first, however they are dialled.
    case dialled([[UInt8]])
}

/// One thing to look at: true if any of the fields is known and matches.
public struct Condition: Sendable {
    public let fields: [Field]
    public let matcher: Matcher

    public init(fields: [Field], matcher: Matcher) {
        (self.fields, self.matcher) = (fields, matcher)
    }
}

/// A mark that requests of a tool carry. Marks score; a request whose marks add up to the policy's threshold is treated.
public struct Signature: Sendable {
    public let name: String
    public let id: NameID
    /// The tool family that the mark betrays, for the choice of the answer; `noTool` where it betrays none.
    public let tool: String
    public let toolID: NameID
    public let purpose: Purpose
    public let weight: Int
    public let mode: Mode
    /// All of them must hold.
    public let conditions: [Condition]

    /// What stands for the tool where a mark, such as a feed or SQL in a name, betrays none.
    public static let noTool = "unknown"

    /// Whether the mark betrays a tool.
    public var hasTool: Bool { tool != Self.noTool }

    public init(
        name: String, tool: String, purpose: Purpose, weight: Int, mode: Mode, conditions: [Condition]
    ) {
        (self.name, id) = (name, NameID(name))
        (self.tool, toolID) = (tool, NameID(tool))
        (self.purpose, self.weight, self.mode, self.conditions) = (purpose, weight, mode, conditions)
    }

    /// Whether a request carries this mark, be its mode what it may. For trying a signature out: a policy's are looked for
    /// all at once by its `SignatureMatcher`.
    public func matches(_ facts: RequestFacts, dialling: DiallingPlan = .common) -> Bool {
        var carried = SignatureSet()
        SignatureMatcher([self], dialling: dialling).find(in: facts, &carried)
        return carried.popFirst() != nil
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

/// A labelled piece of traffic: who sends what and when, and what must be made of it.
public struct Scenario: Sendable, CustomStringConvertible {
    public enum Kind: String, CaseIterable, Sendable {
        case attack, customer
    }

    /// The file's name without its ending, and the variant if there are several: `svwar-register/compact`.
    public let name: String
    public let title: String
    public let kind: Kind
    /// Where the knowledge comes from.
    public let source: String
    public let goal: Goal?
    let registrar: Registrar
    let actors: [Actor]

    public var description: String { name }

    /// Whether somebody in it attacks, and whether somebody is a customer.
    public var hasAttackers: Bool { actors.contains(where: \.isAttacker) }
    public var hasCustomers: Bool { actors.contains { !$0.isAttacker } }
}

/// What may pass before an attack is treated.
public enum Goal: Hashable, Sendable {
    /// Messages, the one that is treated included: for attacks that carry a mark.
    case messages(Int)
    /// Failed logins and unknown users: for attacks that show by behaviour alone.
    case failures(Int)
    /// Failures of all sources together until the attack is recognised, where each source has to fail to be treated.
    case recognised(Int)
    /// None, for a reason that the scenario tells.
    case none(why: String)

    public func isMet(by figures: AttackFigures) -> Bool {
        if case .recognised(let most) = self { return figures.recognised.map { $0 <= most } ?? false }
        guard let messages = figures.messages, let failures = figures.failures else {
            if case .none = self { return true }
            return false
        }
        return switch self {
        case .messages(let most): messages <= most
        case .failures(let most): failures <= most
        case .recognised, .none: true
        }
    }

    var text: String {
        switch self {
        case .messages(let most): "\(most) messages"
        case .failures(let most): "\(most) failures"
        case .recognised(let most): "seen in \(most)"
        case .none: "none"
        }
    }
}

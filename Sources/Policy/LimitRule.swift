/// A limit on behaviour: who exceeds it is treated according to its purpose.
public final class LimitRule: Sendable {
    public let name: String
    public let id: NameID
    public let mode: Mode
    public let scope: CounterScope
    public let event: CountedEvent
    public let limit: RateLimit
    /// The limit right after a login; trust and this become less with time.
    public let trustedLimit: RateLimit
    public let purpose: Purpose
    public let terms: Terms

    /// What a limit is to sources that have logged in.
    public enum Favour: String, CaseIterable, Sendable {
        /// A higher one.
        case relaxed
        /// None, and they are not counted.
        case exempt
        /// What it is to all.
        case same
    }

    /// What a limit rarely says.
    public struct Terms: Hashable, Sendable {
        /// The requests that it is about; empty: all.
        public var methods: MethodSet
        /// What a login changes.
        public var trusted: Favour
        /// How long a member of a counted set is remembered after it was last seen; nil: the limit's own time.
        public var memory: Duration?
        /// What exceeding adds to the score of the request; nil: exceeding decides.
        public var weight: Int?

        public init(
            methods: MethodSet = [], trusted: Favour = .relaxed, memory: Duration? = nil, weight: Int? = nil
        ) {
            (self.methods, self.trusted, self.memory, self.weight) = (methods, trusted, memory, weight)
        }
    }

    public init(
        name: String, mode: Mode, scope: CounterScope, event: CountedEvent, limit: RateLimit, trustFactor: Int,
        purpose: Purpose, terms: Terms = Terms()
    ) {
        (self.name, id, self.mode, self.scope) = (name, NameID(name), mode, scope)
        (self.event, self.limit, trustedLimit) = (event, limit, limit.relaxed(by: trustFactor))
        (self.purpose, self.terms) = (purpose, terms)
    }

    var memory: Duration { terms.memory ?? limit.per }

    /// The limit for a source with this much credit; nil where it is none for such a source.
    func limit(for credit: Credit) -> RateLimit? {
        guard credit.isTrusted else { return limit }
        return switch terms.trusted {
        case .relaxed: limit.relaxed(by: credit.factor)
        case .exempt: nil
        case .same: limit
        }
    }
}

/// Where a limit stands in the ruleset, and which requests concern it: all that most requests need to know of it.
struct LimitPlace: Sendable {
    let index: Int
    let methods: MethodSet

    func concerns(_ method: MethodSet) -> Bool { methods.isEmpty || !methods.isDisjoint(with: method) }
}

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

/// A limit of a ruleset: where it stands there, and which requests concern it, which is all that most need to know of it.
struct LimitPlace: Sendable {
    let index: Int
    let id: NameID
    let methods: MethodSet
    /// Whether each request counts for its source alone, as the policy groups sources: such a counter is found at once.
    let isOfSource: Bool
    private let rule: Unmanaged<LimitRule>

    /// - Parameter rule: kept by the ruleset, for longer than this.
    init(index: Int, of rule: LimitRule) {
        (self.index, id, methods, self.rule) = (index, rule.id, rule.terms.methods, .passUnretained(rule))
        isOfSource = rule.event == .requests && rule.scope.parts == [.source] && rule.scope.prefix == nil
    }

    func concerns(_ method: MethodSet) -> Bool { methods.isEmpty || !methods.isDisjoint(with: method) }

    /// Lends the limit. References to it are not counted: all threads would do so in one cache line.
    @inline(__always)
    func withRule(_ body: (LimitRule) -> Void) { rule._withUnsafeGuaranteedRef(body) }
}

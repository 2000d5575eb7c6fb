/// A policy, read and checked: everything that the engine needs to decide. Immutable.
public final class Ruleset: Sendable {
    public let mode: Mode
    /// What counts as one source.
    public let sources: PrefixLengths
    public let trust: Trust
    /// The score at which a request's marks decide.
    public let threshold: Int
    /// The signatures and, behind them, the contents.
    public let signatures: [Signature]
    /// How many of them are marks of tools.
    let toolSignatures: Int
    public let limits: [LimitRule]
    public let treatments: [Treatment]
    public let budget: AnswerBudget
    public let ban: BanPolicy
    public let feeds: [FeedRule]
    public let addresses: AddressPolicy
    /// Silence after which a flood counts as stopped and the next message begins a new one.
    public let quiet: Duration
    /// How international numbers are dialled.
    public let dialling: DiallingPlan
    /// How long a proxy may give a verdict again without asking, at most; zero: not at all.
    public let lease: Duration
    /// How phones get past a treatment of their address; nil: not at all.
    public let probation: Probation?
    /// The signatures that a User-Agent alone carries, and that decide alone.
    let agentSignatures: Set<NameID>
    let matcher: SignatureMatcher
    /// The limits that decide about requests, those that only weigh them, and those on what became of them.
    let requestLimits: [LimitPlace]
    let hints: [LimitPlace]
    let reportLimits: [LimitPlace]
    /// Those of the first for which every request counts for its source.
    let sourceLimits: [NameID]
    /// The limits on failures of one user.
    let userLimits: [Int]
    /// Whether any limit on requests is about some methods only.
    let asksForMethods: Bool
    private let names: [NameID: String]

    public init(
        mode: Mode, sources: PrefixLengths, trust: Trust, threshold: Int, signatures tools: [Signature],
        contents: [Signature] = [], limits: [LimitRule], treatments: [Treatment], budget: AnswerBudget, ban: BanPolicy,
        addresses: AddressPolicy, quiet: Duration, lease: Duration = .seconds(1), feeds: [FeedRule] = [],
        dialling: DiallingPlan = .common, probation: Probation? = nil
    ) {
        (self.mode, self.sources, self.trust, self.threshold) = (mode, sources, trust, threshold)
        (signatures, toolSignatures) = (tools + contents, tools.count)
        (self.limits, self.treatments) = (limits, treatments)
        (self.dialling, self.probation) = (dialling, probation)
        matcher = SignatureMatcher(signatures, dialling: dialling)
        requestLimits = Self.places(limits) { $0.event.isOfRequests && $0.terms.weight == nil }
        hints = Self.places(limits) { $0.event.isOfRequests && $0.terms.weight != nil }
        reportLimits = Self.places(limits) { !$0.event.isOfRequests }
        sourceLimits = requestLimits.filter { $0.isOfSource && $0.methods.isEmpty }.map(\.id)
        userLimits = reportLimits.map(\.index).filter { limits[$0].mode == .enforce && limits[$0].scope.has(.user) }
        asksForMethods = (requestLimits + hints).contains { !$0.methods.isEmpty }
        (self.budget, self.ban, self.addresses, self.quiet, self.feeds) = (budget, ban, addresses, quiet, feeds)
        (self.lease, agentSignatures) = (lease, Self.agentSignatures(signatures, threshold: threshold))
        let all =
            (signatures + feeds.map(\.mark)).flatMap { [($0.id, $0.name), ($0.toolID, $0.tool)] }
            + limits.map { ($0.id, $0.name) }
            + treatments.map { ($0.id, $0.name) } + RuleName.all.map { (NameID($0), $0) }
        names = Dictionary(all) { first, _ in first }
    }

    private static func places(_ limits: [LimitRule], where belongs: (LimitRule) -> Bool) -> [LimitPlace] {
        limits.indices.filter { limits[$0].mode != .off && belongs(limits[$0]) }.map {
            LimitPlace(index: $0, of: limits[$0])
        }
    }

    /// The name behind an id; nil if the policy no longer holds it.
    public func name(of id: NameID) -> String? { names[id] }

    /// A signature by its index or, behind them, what a feed says of a source.
    func mark(_ index: Int) -> Signature {
        index < signatures.count ? signatures[index] : feeds[index - signatures.count].mark
    }

    public func treatment(_ id: NameID) -> Treatment? {
        for treatment in treatments where treatment.id == id { return treatment }
        return nil
    }
}

/// Names that decide besides the policy's own rules and signatures.
public enum RuleName {
    public static let `default` = "default"
    public static let allow = "allow"
    public static let ban = "ban"
    /// A ban that somebody set, in lists.
    public static let manual = "manual"
    public static let all = [`default`, allow, ban, manual]
}

extension NameID {
    /// Those of `RuleName`, which most decisions need.
    public static let `default` = NameID(RuleName.default)
    static let allow = NameID(RuleName.allow)
    static let ban = NameID(RuleName.ban)
}

/// How much may be sent to sources under treatment, so that nobody makes a reflector of the proxy; beyond it: silence.
public struct AnswerBudget: Sendable {
    public let perSource: RateLimit
    public let total: RateLimit

    public init(perSource: RateLimit, total: RateLimit) { (self.perSource, self.total) = (perSource, total) }
}

/// When a treatment without effect ends in a ban, and how bans grow.
public struct BanPolicy: Sendable {
    /// Messages of one flood after which the source is banned.
    public let afterMessages: Int
    /// The first ban's length; each further one is `factor` times as long, up to `most`.
    public let first: Duration
    public let factor: Int
    public let most: Duration
    /// The longest ban without proof of the return path: a UDP source can be forged.
    public let mostUnproven: Duration
    /// Time without a ban after which growth starts again.
    public let decay: Duration
    /// What a banned source gets.
    public let answer: Answer

    public init(
        afterMessages: Int, first: Duration, factor: Int, most: Duration, mostUnproven: Duration, decay: Duration,
        answer: Answer
    ) {
        (self.afterMessages, self.first, self.factor, self.most) = (afterMessages, first, factor, most)
        (self.mostUnproven, self.decay, self.answer) = (mostUnproven, decay, answer)
    }

    /// The length of the ban after `earlier` others.
    public func duration(after earlier: Int, isProven: Bool) -> Duration {
        var length = first
        for _ in 0..<min(earlier, 64) where length < most { length = length * factor }
        return min(length, isProven ? most : mostUnproven)
    }
}

/// The addresses that a policy names.
public struct AddressPolicy: Sendable {
    public struct Entry: Hashable, Sendable {
        public let prefix: Prefix
        public let comment: String
        /// Seconds since 1970; nil: for good.
        public let until: Int64?

        public init(prefix: Prefix, comment: String, until: Int64? = nil) {
            (self.prefix, self.comment, self.until) = (prefix, comment, until)
        }
    }

    /// nil: find out the machine's own.
    public let own: [Prefix]?
    public let trustedProxies: [Prefix]
    public let allow: [Entry]
    public let allowNames: [AllowedName]

    public init(own: [Prefix]?, trustedProxies: [Prefix], allow: [Entry], allowNames: [AllowedName] = []) {
        (self.own, self.trustedProxies, self.allow, self.allowNames) = (own, trustedProxies, allow, allowNames)
    }
}

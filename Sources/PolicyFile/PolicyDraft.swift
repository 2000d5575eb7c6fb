import Policy

/// A policy while it is read: what a file says over what it extends.
struct PolicyDraft: Sendable {
    var mode = Mode.enforce
    var sources = PrefixLengths(v4: 32, v6: 64)
    var trust = Trust(hold: .seconds(86_400), factor: 10)
    var quiet = Duration.seconds(10)
    var threshold = 100
    var lease = Duration.seconds(1)
    var budget = AnswerBudget(
        perSource: RateLimit(events: 10, per: .seconds(60)), total: RateLimit(events: 200, per: .seconds(1)))
    var ban = BanPolicy(
        afterMessages: 100, first: .seconds(600), factor: 4, most: .seconds(86_400), mostUnproven: .seconds(600),
        decay: .seconds(7 * 86_400), answer: .drop)
    /// nil: the machine's own.
    var ownAddresses: [Prefix]?
    var trustedProxies: [Prefix] = []
    var allow: [AddressPolicy.Entry] = []
    var allowNames: [AllowedName] = []
    var feeds: [FeedDraft] = []
    var signatures: [SignatureDraft] = []
    var contents: [SignatureDraft] = []
    var limits: [LimitDraft] = []
    var treatments: [TreatmentDraft] = []
    var dialling = DiallingPlan.common
    var probation = Probation(
        newcomers: RateLimit(events: 12, per: .seconds(60)), perUser: RateLimit(events: 24, per: .seconds(120)),
        perSource: RateLimit(events: 300, per: .seconds(60)), logins: 3)
    var hasProbation = true

    var samples: [Sample] { (signatures + contents).flatMap(\.samples) }

    /// The same without places: what another file extends.
    var extended: PolicyDraft {
        var copy = self
        for index in copy.signatures.indices { copy.signatures[index].place = nil }
        for index in copy.contents.indices { copy.contents[index].place = nil }
        for index in copy.feeds.indices { copy.feeds[index].place = nil }
        for index in copy.limits.indices { copy.limits[index].place = nil }
        for index in copy.treatments.indices { copy.treatments[index].place = nil }
        return copy
    }

    func ruleset() -> Ruleset {
        Ruleset(
            mode: mode, sources: sources, trust: trust, threshold: threshold, signatures: signatures.map(\.signature),
            contents: contents.map(\.signature),
            limits: limits.map { $0.rule(trustFactor: trust.factor) }, treatments: treatments.map(\.treatment),
            budget: budget, ban: ban,
            addresses: AddressPolicy(
                own: ownAddresses, trustedProxies: trustedProxies, allow: allow, allowNames: allowNames),
            quiet: quiet, lease: lease, feeds: feeds.map(\.feed), dialling: dialling,
            probation: hasProbation ? probation : nil)
    }
}

/// Where something is written.
struct Place: Sendable {
    let line: Int
    let path: String
}

/// An entry of one of the lists that are merged by name.
protocol NamedDraft: Sendable {
    var name: String { get }
    /// Where it is written; nil for what comes from the policy that is extended.
    var place: Place? { get set }
    /// The same with another mode; nil if it cannot have that mode.
    func switched(to mode: Mode) -> Self?
}

/// A signature with what is not part of deciding.
struct SignatureDraft: NamedDraft {
    var signature: Signature
    /// Where the knowledge comes from.
    var source: String
    var samples: [Sample]
    var place: Place?

    var name: String { signature.name }

    func switched(to mode: Mode) -> Self? {
        var copy = self
        copy.signature = Signature(
            name: signature.name, tool: signature.tool, purpose: signature.purpose, weight: signature.weight,
            mode: mode,
            conditions: signature.conditions)
        return copy
    }
}

/// A limit before the trust factor is known.
struct LimitDraft: NamedDraft {
    var name: String
    var mode: Mode
    var scope: CounterScope
    var event: CountedEvent
    var limit: RateLimit
    var purpose: Purpose
    var terms: LimitRule.Terms
    var place: Place?

    func rule(trustFactor: Int) -> LimitRule {
        LimitRule(
            name: name, mode: mode, scope: scope, event: event, limit: limit, trustFactor: trustFactor,
            purpose: purpose,
            terms: terms)
    }

    func switched(to mode: Mode) -> Self? {
        var copy = self
        copy.mode = mode
        return copy
    }
}

/// A treatment; it is there or not, but never only counts.
struct TreatmentDraft: NamedDraft {
    var treatment: Treatment
    /// The tools that it names, with their places.
    var tools: [(name: String, place: Place)] = []
    var isOff = false
    var place: Place?

    var name: String { treatment.name }

    func switched(to mode: Mode) -> Self? {
        guard mode != .shadow else { return nil }
        var copy = self
        copy.isOff = mode == .off
        return copy
    }
}

import Policy

/// Reads a policy document over the draft that it extends. What cannot be read is reported and keeps the draft's value.
struct PolicyReader {
    static let keys = [
        "version", "extends", "mode", "own_addresses", "trusted_proxies", "allow", "sources", "trust", "quiet",
        "threshold", "budget", "ban", "lease", "probation", "dialling", "signatures", "contents", "limits",
        "treatments", "feeds",
    ]
    static let lengthKeys = ["ipv4", "ipv6"]
    static let trustKeys = ["hold", "factor"]
    static let budgetKeys = ["per_source", "total"]
    static let banKeys = ["after", "first", "factor", "most", "most_unproven", "decay", "answer"]
    static let probationKeys = ["mode", "newcomers", "per_user", "per_source", "logins"]
    static let leaseKeys = ["ttl"]
    static let longest = Duration.seconds(365 * 86_400)

    var draft: PolicyDraft
    /// The names of the signatures, contents and limits that are more than a switch.
    var writtenOut: Set<String> = []

    mutating func read(_ document: YAMLMapping) {
        if let mode = document["mode"]?.choice(Mode.self) { draft.mode = mode }
        if let quiet = document["quiet"]?.duration(.seconds(1)...(.seconds(3600))) { draft.quiet = quiet }
        if let threshold = document["threshold"]?.integer(1...1000) { draft.threshold = threshold }
        readAddresses(document)
        readSources(document["sources"])
        readTrust(document["trust"])
        readBudget(document["budget"])
        readBan(document["ban"])
        if let plan = document["dialling"].flatMap(DiallingReader.read) { draft.dialling = plan }
        if let lease = document["lease"]?.mapping(Self.leaseKeys),
            let ttl = lease["ttl"]?.duration(.zero...(.seconds(10)))
        {
            draft.lease = ttl
        }
        readProbation(document["probation"])
        readLists(document)
    }

    private mutating func readAddresses(_ document: YAMLMapping) {
        if let own = document["own_addresses"] {
            if own.isScalar {
                if own.word("auto", orElse: "is neither auto nor a list; write one of them") {
                    draft.ownAddresses = nil
                }
            } else if let list = own.list(0...10_000) {
                draft.ownAddresses = list.compactMap { $0.prefix() }
            }
        }
        if let list = document["trusted_proxies"]?.list(0...10_000) {
            draft.trustedProxies = list.compactMap { $0.prefix() }
        }
        readAllow(document["allow"])
    }

    private mutating func readSources(_ value: YAMLValue?) {
        let least = PrefixLengths(v4: 8, v6: 16)
        guard let lengths = value.flatMap({ Self.lengths($0, else: draft.sources, least: least) }) else { return }
        draft.sources = lengths
    }

    /// `{ipv4: 24, ipv6: 48}`; what is not written keeps its value. What makes a source is at least as narrow as what may be
    /// banned.
    static func lengths(_ value: YAMLValue, else other: PrefixLengths, least: PrefixLengths) -> PrefixLengths? {
        guard let map = value.mapping(lengthKeys) else { return nil }
        return PrefixLengths(
            v4: map["ipv4"]?.integer(least.v4...32) ?? other.v4, v6: map["ipv6"]?.integer(least.v6...128) ?? other.v6)
    }

    private mutating func readTrust(_ value: YAMLValue?) {
        guard let map = value?.mapping(Self.trustKeys) else { return }
        draft.trust = Trust(
            hold: map["hold"]?.duration() ?? draft.trust.hold,
            factor: map["factor"]?.integer(1...1000) ?? draft.trust.factor)
    }

    private mutating func readBudget(_ value: YAMLValue?) {
        guard let map = value?.mapping(Self.budgetKeys) else { return }
        draft.budget = AnswerBudget(
            perSource: map["per_source"]?.rate() ?? draft.budget.perSource,
            total: map["total"]?.rate() ?? draft.budget.total)
    }

    private mutating func readProbation(_ value: YAMLValue?) {
        guard let map = value?.mapping(Self.probationKeys) else { return }
        if let mode = map["mode"]?.choice([("enforce", true), ("off", false)]) { draft.hasProbation = mode }
        let old = draft.probation
        draft.probation = Probation(
            newcomers: map["newcomers"]?.rate() ?? old.newcomers, perUser: map["per_user"]?.rate() ?? old.perUser,
            perSource: map["per_source"]?.rate() ?? old.perSource,
            logins: map["logins"]?.integer(1...100) ?? old.logins)
    }

    private mutating func readBan(_ value: YAMLValue?) {
        guard let value, let map = value.mapping(Self.banKeys) else { return }
        let old = draft.ban
        let span = Duration.seconds(1)...Self.longest
        draft.ban = BanPolicy(
            afterMessages: map["after"]?.integer(1...1_000_000) ?? old.afterMessages,
            first: map["first"]?.duration(span) ?? old.first, factor: map["factor"]?.integer(1...100) ?? old.factor,
            most: map["most"]?.duration(span) ?? old.most,
            mostUnproven: map["most_unproven"]?.duration(span) ?? old.mostUnproven,
            decay: map["decay"]?.duration(span) ?? old.decay,
            answer: map["answer"].flatMap(AnswerReader.banAnswer) ?? old.answer)
        if draft.ban.first > draft.ban.most {
            (map["first"] ?? map["most"] ?? value).report(
                "the first ban (\(draft.ban.first.unitText)) is longer than the longest (\(draft.ban.most.unitText)); "
                    + "write first: and most: so that first is at most most")
        }
    }
}

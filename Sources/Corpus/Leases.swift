import Policy

/// What a proxy does under leases: it goes on with silence without asking.
struct Leases {
    private struct Key: Hashable {
        let source: IPAddress
        /// Empty where the lease is for all that the source sends.
        var agent = ""
    }

    private var ends: [Key: Instant] = [:]

    mutating func add(_ lease: Lease, _ facts: RequestFacts, at now: Instant) {
        let agent = lease.key == .source ? "" : facts[.userAgent].text
        ends[Key(source: facts.source, agent: agent)] = now + lease.duration
    }

    /// Whether a request falls under one.
    func hold(_ facts: RequestFacts, at now: Instant) -> Bool {
        guard !ends.isEmpty else { return false }
        return [Key(source: facts.source), Key(source: facts.source, agent: facts[.userAgent].text)]
            .contains { ends[$0].map { $0 > now } ?? false }
    }
}

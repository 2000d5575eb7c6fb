/// How phones get past a treatment that failed logins began on their address or user.
///
/// Whoever failed there may be an attacker, an office whose phones all have an old password, or one customer of many. What tells
/// them apart is patience: a phone that hears nothing sends the same request again after half a second (RFC 3261 section 17.1.2),
/// and later registers again with the same Call-ID (section 10.2.4). Tools go on to the next user or password.
public struct Probation: Sendable {
    /// Users of a source that may be let in at once when their request comes again; who comes again later needs no such room.
    public let newcomers: RateLimit
    /// Requests of one user that was let in, and of all of them at one source.
    public let perUser: RateLimit
    public let perSource: RateLimit
    /// So many users who log in for the first time end the treatment of their source.
    public let logins: Int

    /// The same request sooner than this is no retransmission: the first comes after T1, 500 ms, as the net delays it.
    static let soonest = Duration.milliseconds(400)
    /// When a phone has given its request up (Timer F of RFC 3261): what comes later is another try.
    static let patience = Duration.seconds(32)
    /// How often it sends a request until then.
    static let transmissions = RateLimit(events: 11, per: patience)
    /// How long a request is remembered to have come.
    static let memory = Duration.seconds(3600)

    public init(newcomers: RateLimit, perUser: RateLimit, perSource: RateLimit, logins: Int) {
        (self.newcomers, self.perUser, self.perSource, self.logins) = (newcomers, perUser, perSource, logins)
    }

    /// What a request is to a treatment that holds.
    enum Admission: String {
        /// It is not treated.
        case admitted = "admitted: the user comes again as a phone does"
        /// Silence, as for its first.
        case repeated = "came before, but too early or too often"
        case stranger = "came for the first time; it may come again"
        /// It tells nothing by which it would be known again, or cannot log in.
        case outsider
    }
}

extension Engine {
    /// Whether a request comes from somebody who behaves as a phone does.
    func admission(
        to hold: Hold, _ facts: RequestFacts, _ record: inout SourceRecord, _ now: Instant
    ) -> Probation.Admission {
        guard let probation = ruleset.probation, hold.isOfFailures, facts.user.isKnown, facts[.callID].isKnown,
            facts[.method].equals(lowercase: "register")
        else { return .outsider }
        let user = hold.key(.probationer, facts, of: record)
        if !store.remembers(user, now: now) {
            guard let age = age(of: facts, record, now) else { return .stranger }
            guard age >= Probation.soonest else { return .repeated }
            let hasReturned = store.remember(hold.key(.returned, facts, of: record), for: Probation.memory, now: now)
            if !hasReturned { record.flood.excuse(1) }
            guard age >= Probation.patience || hasRoom(for: hold, probation, now) else { return .repeated }
        }
        guard
            store.take(hold.key(.probationUser, facts, of: record), limit: probation.perUser, count: 1, now: now)
                == .conforms,
            hold.isEverywhere
                || store.take(hold.key(.probationSource), limit: probation.perSource, count: 1, now: now) == .conforms
        else { return .repeated }
        _ = store.remember(user, for: ruleset.trust.hold, now: now)
        return .admitted
    }

    /// How long ago a request with this user and Call-ID came first; nil, and remembered, where this is the first.
    private func age(of facts: RequestFacts, _ record: SourceRecord, _ now: Instant) -> Duration? {
        var key = CounterKey(rule: .sighting)
        (key.address, key.first, key.member) = (record.address.value, facts.user, facts[.callID])
        if let until = store.arrival(of: key), until > now { return Probation.memory - (until - now) }
        _ = store.remember(key, for: Probation.memory, now: now)
        return nil
    }

    /// Whether a request that came before may be what a phone sends while it hears nothing: that is not held against it.
    func isRetransmission(_ hold: Hold, _ facts: RequestFacts, _ record: SourceRecord, _ now: Instant) -> Bool {
        let key = hold.key(.transmissions, facts, of: record)
        return store.take(key, limit: Probation.transmissions, count: facts.count, now: now) == .conforms
    }

    private func hasRoom(for hold: Hold, _ probation: Probation, _ now: Instant) -> Bool {
        !store.remembers(hold.key(.closed), now: now)
            && store.take(hold.key(.newcomers), limit: probation.newcomers, count: 1, now: now) == .conforms
    }

    /// A user who was let in does not exist: for some time nobody else is let in at once, for users may be being tried.
    func close(_ facts: RequestFacts, _ record: SourceRecord, _ now: Instant) {
        guard let probation = ruleset.probation, let hold = sourceHold(facts, record, now) else { return }
        _ = store.remember(hold.key(.closed), for: probation.newcomers.per, now: now)
    }

    /// A user logs in at a source for the first time: when enough have, it was no attack, or not theirs.
    func countLogin(_ record: inout SourceRecord) {
        guard let probation = ruleset.probation, record.flood.behaviour != .none else { return }
        record.flood.logins += 1
        if record.flood.logins >= probation.logins { (record.flood.behaviour, record.flood.logins) = (.none, 0) }
    }
}

extension NameID {
    static let sighting = NameID("-sighting")
    static let probationer = NameID("-probationer")
    static let newcomers = NameID("-newcomers")
    static let closed = NameID("-newcomers-closed")
    static let probationUser = NameID("-probation-user")
    static let probationSource = NameID("-probation-source")
    static let returned = NameID("-returned")
    static let transmissions = NameID("-transmissions")
}

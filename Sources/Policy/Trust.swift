/// How a proven login relaxes what is thought of a source.
///
/// Right after a login its limits are `factor` times as high. That goes down evenly to once until `hold` is over, so that
/// one login of long ago is worth little, and a phone that registers every hour is always near the top.
public struct Trust: Sendable {
    /// How long it lasts after the last `auth_ok`.
    public let hold: Duration
    /// Limits of a source that has just logged in are this many times as high.
    public let factor: Int
    /// `hold` in microseconds, since every request asks.
    private let span: Int64

    public init(hold: Duration, factor: Int) {
        (self.hold, self.factor) = (hold, factor)
        span = hold.microseconds
    }

    /// What a login at that time is worth now.
    func credit(for login: Instant, now: Instant) -> Credit {
        let left = login.microseconds &+ span &- now.microseconds
        guard left > 0, span > 0 else { return .none }
        let share = (Int64(factor - 1) * min(left, span) + span - 1) / span
        return Credit(isTrusted: true, factor: 1 + Int(share))
    }
}

/// What a source has earned by logins.
struct Credit: Hashable, Sendable {
    let isTrusted: Bool
    /// Its limits are this many times as high.
    let factor: Int

    static let none = Credit(isTrusted: false, factor: 1)
}

/// What has proven itself from an address, besides the address itself.
///
/// Never the name alone: from elsewhere, be it with a forged address, nothing is earned and nothing lost.
enum Proof {
    /// A name that credentials were right for: it counts for requests with credentials.
    case login
    /// A name that such a request came from: it counts for requests before they are asked for credentials.
    case caller

    var rule: NameID {
        switch self {
        case .login: .trustedUser
        case .caller: .trustedCaller
        }
    }
}

extension Engine {
    /// Remembers the names of a login. In a request without credentials the user stands in From, and that name need not be
    /// the one in the digest; but whoever logs in may write into From what he likes, so it proves no credentials.
    /// Whether it is the user's first from there while trust lasts.
    func earn(_ facts: RequestFacts, at address: IPAddress, _ now: Instant) -> Bool {
        let isFirst = !remember(.login, facts.user, address, now)
        _ = remember(.caller, facts.user, address, now)
        let caller = facts[.fromUser]
        if caller.isKnown, !caller.sameBytes(as: facts.user) { _ = remember(.caller, caller, address, now) }
        return isFirst
    }

    private func remember(_ proof: Proof, _ user: Bytes, _ address: IPAddress, _ now: Instant) -> Bool {
        store.remember(key(proof, user, address), for: ruleset.trust.hold, now: now)
    }

    private func key(_ proof: Proof, _ user: Bytes, _ address: IPAddress) -> CounterKey {
        var key = CounterKey(rule: proof.rule)
        (key.address, key.first) = (address.value, user)
        return key
    }

    /// Whether the user of this request has proven itself from this source within the time that trust holds.
    func isOfTrustedUser(_ facts: RequestFacts, at address: IPAddress, _ now: Instant) -> Bool {
        let proof: Proof = facts[.authUser].isKnown ? .login : .caller
        return store.remembers(key(proof, facts.user, address), now: now)
    }
}

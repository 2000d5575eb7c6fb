import Policy

/// What the credentials of a request are worth.
enum Credentials: Sendable {
    case none
    /// For a nonce that has run out or is not ours.
    case stale
    case wrong, right
}

/// The far side: a registrar that answers and reports as integrations/kamailio/kamailio.cfg does.
public struct Registrar: Sendable {
    /// How long a nonce is good for, as in that configuration.
    static let nonceLife = Duration.seconds(300)

    var accounts: Set<String> = []
    /// Whether it tells users that do not exist from those that do before it asks for credentials.
    var leaks = false
    /// Sources that need no credentials, of which nothing is reported.
    var trusts: [Prefix] = []

    enum Answer: Sendable {
        case accepted, challenge, notFound
    }

    struct Reply {
        let answer: Answer
        var outcome: Outcome?
        var user = Bytes.unknown
    }

    func reply(to facts: RequestFacts, _ credentials: Credentials) -> Reply {
        if facts[.toTag].isKnown || trusts.contains(where: { $0.contains(facts.source) }) {
            return Reply(answer: .accepted)
        }
        if leaks, case let target = Self.target(facts), !accounts.contains(target.text) {
            return Reply(answer: .notFound, outcome: .unknownUser, user: target)
        }
        guard credentials != .none else {
            return Reply(answer: .challenge, outcome: .challenged, user: facts[.fromUser])
        }
        let user = facts[.authUser]
        guard accounts.contains(user.text) else {
            return Reply(answer: .challenge, outcome: .unknownUser, user: user)
        }
        return switch credentials {
        case .right: Reply(answer: .accepted, outcome: .authOK, user: user)
        case .wrong: Reply(answer: .challenge, outcome: .authFailed, user: user)
        case .stale, .none: Reply(answer: .challenge, outcome: .challenged, user: facts[.fromUser])
        }
    }

    /// Whom the request is for: of a REGISTER the user in To, else the one in the Request-URI, if it names any.
    private static func target(_ facts: RequestFacts) -> Bytes {
        let uri = facts[.ruri]
        guard !facts[.method].equals(lowercase: "register"), let colon = uri.index(of: 0x3A),
            let at = uri.index(of: 0x40, from: colon)
        else { return facts[.toUser] }
        return uri.part(colon + 1, at)
    }
}

/// What a limit counts.
///
/// Some count what happens, others how many *different* things happen: a member of such a set counts once, until it has
/// not been seen for the limit's `memory`.
public enum CountedEvent: String, CaseIterable, Sendable {
    /// Every request asked about.
    case requests
    /// Wrong credentials, as reported. A challenge never counts.
    case authFailed = "auth_failed"
    /// Users that do not exist, as reported.
    case unknownUser = "unknown_user"
    /// Both kinds of failure.
    case failures
    /// Different users for whom a request failed.
    case usersTried = "users_tried"
    /// Different Call-IDs of requests with wrong credentials. A phone that tries again keeps its Call-ID
    /// (RFC 3261 section 10.2.4); who guesses makes new ones.
    case attempts
    /// Different sources with wrong credentials.
    case sourcesTried = "sources_tried"
    /// Attempts but the first of each source. Twelve phones with an old password make none; who takes turns makes many.
    case retries
    /// Different sources with retries.
    case sourcesRetried = "sources_retried"
    /// Different Request-URIs asked for, parameters aside.
    case targets
    /// Different digits dialled in front of the same last eight.
    case dialPrefixes = "dial_prefixes"
    /// Different countries dialled.
    case countries

    /// Whether different things are counted.
    public var isDistinct: Bool {
        switch self {
        case .requests, .authFailed, .unknownUser, .failures: false
        case .usersTried, .attempts, .sourcesTried, .retries, .sourcesRetried, .targets, .dialPrefixes, .countries:
            true
        }
    }

    /// Whether requests are counted as they are asked about, and not reports of what became of them.
    public var isOfRequests: Bool {
        switch self {
        case .requests, .targets, .dialPrefixes, .countries: true
        case .authFailed, .unknownUser, .failures, .usersTried, .attempts, .sourcesTried, .retries, .sourcesRetried:
            false
        }
    }

    /// Whether a source's first attempt against a user does not count.
    var isOfRetries: Bool { self == .retries || self == .sourcesRetried }

    /// Whether only the requests that dial can be counted.
    public var isOfDialling: Bool { self == .dialPrefixes || self == .countries }

    /// Whether a report with this outcome is counted.
    func counts(_ outcome: Outcome) -> Bool {
        switch self {
        case .authFailed, .attempts, .sourcesTried, .retries, .sourcesRetried: outcome == .authFailed
        case .unknownUser: outcome == .unknownUser
        case .failures, .usersTried: outcome == .authFailed || outcome == .unknownUser
        case .requests, .targets, .dialPrefixes, .countries: false
        }
    }
}

import Policy

/// What an event says to the engine.
public struct Report: Equatable, Sendable {
    public let outcome: Outcome
    public let source: IPAddress
    public let transport: Transport
    public let user: [UInt8]?
    public let callID: [UInt8]
    /// Whether the credentials answered a nonce of this Asterisk's, so that the source receives what is sent to it.
    public let provesSource: Bool
}

/// Turns events into reports, each SIP request into one.
///
/// A request with credentials for an account that does not exist makes two events, `InvalidAccountID` and then
/// `ChallengeResponseFailed` for `<unknown>`; a request that is sent again over UDP repeats its digest.
public struct ReportMapper {
    /// Both are remembered for so many requests.
    static let window = 4096

    private var unknownAccounts = RecentRequests(limit: window)
    private var digests = RecentRequests(limit: window)

    public init() {}

    /// nil for an event that says nothing new.
    public mutating func report(of event: SecurityEvent) -> Report? {
        switch event.kind {
        case .invalidAccountID:
            unknownAccounts.add(Self.key(event, []))
            return Self.report(.unknownUser, event)
        case .challengeResponseFailed, .invalidPassword:
            if event.account == nil, unknownAccounts.take(Self.key(event, [])) { return nil }
            let digest = Self.key(event, event.response)
            if !event.response.isEmpty, digests.contains(digest) { return nil }
            digests.add(digest)
            return Self.report(.authFailed, event)
        case .challengeSent:
            if event.account == nil, unknownAccounts.take(Self.key(event, [])) { return nil }
            return Self.report(.challenged, event)
        case .successfulAuth: return Self.report(.authOK, event)
        case .failedACL, .requestNotSupported: return Self.report(.rejected, event)
        }
    }

    private static func report(_ outcome: Outcome, _ event: SecurityEvent) -> Report {
        Report(
            outcome: outcome, source: event.source, transport: event.transport, user: event.account,
            callID: event.session, provesSource: outcome == .authOK)
    }

    private static func key(_ event: SecurityEvent, _ response: [UInt8]) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(event.source)
        hasher.combine(event.session)
        hasher.combine(response)
        return UInt64(truncatingIfNeeded: hasher.finalize())
    }
}

/// The last so many requests, by hash; the same one may be there several times.
struct RecentRequests {
    private var counts: [UInt64: Int] = [:]
    private var order: [UInt64] = []
    private var oldest = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func add(_ key: UInt64) {
        if order.count < limit {
            order.append(key)
        } else {
            _ = take(order[oldest])
            order[oldest] = key
            oldest = (oldest + 1) % limit
        }
        counts[key, default: 0] += 1
    }

    func contains(_ key: UInt64) -> Bool { counts[key] != nil }

    /// Removes one; whether there was one.
    mutating func take(_ key: UInt64) -> Bool {
        guard let count = counts[key] else { return false }
        counts[key] = count > 1 ? count - 1 : nil
        return true
    }
}

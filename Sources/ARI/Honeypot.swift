import Policy

/// The sources that Asterisk answers with 200 by itself, and what that takes in its configuration.
///
/// A value: sources go in and out, and `steps` tells the requests that make Asterisk's configuration so. Objects: an `aor`
/// `user@domain` for each user that a source tried, which the registrar prefers to the real one (`user`) for this endpoint
/// alone; one endpoint without a password that has all of them; one `identify` that turns the sources into that endpoint.
public struct Honeypot {
    /// What the operator says about it.
    public struct Settings: Sendable, Equatable {
        /// Names and addresses under which this Asterisk is called: the host part of To, which no event tells.
        public var domains: [String]
        public var mostSources = 200
        /// Where calls of sources in the honeypot go; it need not exist.
        public var context = "sipguardd-honeypot"

        public init(domains: [String]) { self.domains = domains }
    }

    /// Users of one source, at most; the newest count.
    static let usersPerSource = 8

    private struct Guest {
        let source: Prefix
        var users: [String]
    }

    /// What Asterisk has, as far as is known.
    private struct Applied {
        var aors: [String] = []
        var matches: [String] = []
        /// Which of the two names the `identify` has.
        var turn = 0
    }

    private let settings: Settings
    /// Nobody but who reads Asterisk's configuration knows this name, so nobody can call himself so.
    private let endpoint: String
    private var guests: [Guest] = []
    /// nil: not known, or Asterisk has begun anew.
    private var applied: Applied?

    public init(settings: Settings, endpoint: String) { (self.settings, self.endpoint) = (settings, endpoint) }

    public var sources: [Prefix] { guests.map(\.source) }
    public var isEmpty: Bool { guests.isEmpty }
    public var isFull: Bool { guests.count >= settings.mostSources }

    /// Lets a source in; false where it is full, or where no user is known, without whom there is nothing to answer.
    public mutating func admit(_ source: Prefix, users: [String]) -> Bool {
        let users = users.filter(Self.isPlain)
        if let index = guests.firstIndex(where: { $0.source == source }) {
            let more = users.filter { !guests[index].users.contains($0) }
            guests[index].users = Array((guests[index].users + more).suffix(Self.usersPerSource))
            return true
        }
        guard !isFull, !users.isEmpty else { return false }
        guests.append(Guest(source: source, users: Array(users.suffix(Self.usersPerSource))))
        return true
    }

    public mutating func remove(_ source: Prefix) { guests.removeAll { $0.source == source } }

    public mutating func removeAll() { guests = [] }

    /// Users go into names and lists of Asterisk's configuration: only characters that mean nothing there.
    static func isPlain(_ user: String) -> Bool {
        (1...64).contains(user.utf8.count)
            && user.utf8.allSatisfy { byte in
                byte.isDigit || (0x61...0x7A).contains(byte | 0x20) || [0x2B, 0x2D, 0x2E, 0x5F].contains(byte)
            }
    }

    private var aors: [String] {
        var seen: Set<String> = []
        let names = guests.flatMap(\.users).flatMap { user in settings.domains.map { "\(user)@\($0)" } }
        return names.filter { seen.insert($0).inserted }
    }

    private var matches: [String] { guests.map { $0.source.description } }

    private static func identify(_ turn: Int) -> String { "sipguardd-\(turn % 2)" }

    /// The requests that make Asterisk's configuration as it is to be, in their order: what is named must be there before.
    ///
    /// A PUT to an `identify` that exists adds to its matches and takes none away (measured with Asterisk 22.10), so there are
    /// two names for it: the new one is made before the old one goes, and no source is let out in between.
    public var steps: [ConfigurationRequest] {
        var steps: [ConfigurationRequest] = []
        if applied == nil { steps += (0..<2).map { .delete("identify", Self.identify($0)) } }
        let old = applied ?? Applied()
        let (aors, matches) = (aors, matches)
        let (wanted, present) = (Set(aors), Set(old.aors))
        steps += aors.filter { !present.contains($0) }.map(aor)
        if !aors.isEmpty, aors != old.aors { steps.append(endpoint(aors)) }
        if matches != old.matches {
            if !matches.isEmpty { steps.append(identify(old.turn + 1, matches)) }
            if !old.matches.isEmpty { steps.append(.delete("identify", Self.identify(old.turn))) }
        }
        if aors.isEmpty, !old.aors.isEmpty { steps.append(.delete("endpoint", endpoint)) }
        steps += old.aors.filter { !wanted.contains($0) }.map { .delete("aor", $0) }
        return steps
    }

    /// Says that Asterisk has taken all steps.
    public mutating func stepsWereTaken() {
        let old = applied ?? Applied()
        let turn = matches == old.matches ? old.turn : old.turn + 1
        applied = Applied(aors: aors, matches: matches, turn: turn)
    }

    /// Says that what Asterisk has is not known any more.
    public mutating func forgetWhatWasTaken() { applied = nil }

    /// A question whose answer tells whether Asterisk still has what it was given; nil where it has nothing.
    public var probe: ConfigurationRequest? {
        guard let applied, !applied.matches.isEmpty else { return nil }
        return .get("identify", Self.identify(applied.turn))
    }

    private func aor(_ name: String) -> ConfigurationRequest {
        .put(
            "aor", name,
            [
                "max_contacts": "1", "remove_existing": "yes", "minimum_expiration": "30", "default_expiration": "60",
                "maximum_expiration": "60",
            ])
    }

    private func endpoint(_ aors: [String]) -> ConfigurationRequest {
        .put(
            "endpoint", endpoint,
            [
                "context": settings.context, "disallow": "all", "allow": "ulaw", "allow_subscribe": "no",
                "aors": aors.joined(separator: ","),
                // Without `username` the registrar looks for no AOR and answers 404.
                "identify_by": "ip,username",
            ])
    }

    private func identify(_ turn: Int, _ matches: [String]) -> ConfigurationRequest {
        .put(
            "identify", Self.identify(turn),
            ["endpoint": endpoint, "srv_lookups": "no", "match": matches.joined(separator: ",")])
    }
}

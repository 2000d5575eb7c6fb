import Policy

/// The incidents of late, in a fixed number of places: a new one takes the place of the oldest.
///
/// A flood joins the open incident of its kind or opens one. So that a thousand sources with one rule do not become a thousand
/// incidents, only so many of a rule are kept apart; the sources beyond share one.
public final class IncidentTable: Sendable {
    /// How long after its last message an incident is still open: whoever comes back within it has not been stopped.
    public static let linger = Duration.seconds(600)
    /// Open incidents of one rule that are kept apart.
    public static let apart = 16

    fileprivate struct Open {
        var newest: UInt32 = 0
        var numbers: [IncidentKey: UInt32] = [:]
        var keys: [UInt32: IncidentKey] = [:]
        var perRule: [NameID: Int] = [:]
    }

    private let open = Stripes(1) { Open() }
    private let places: Stripes<Incident?>

    /// Of at most so many, rounded down to a power of two.
    public init(capacity: Int = 512) { places = Stripes(capacity) { nil } }

    /// How many there have been.
    public var count: Int { open.withPart(at: 0) { Int($0.newest) } }

    /// A source's flood begins: the number of its incident, and whether that is new. `previous` is the incident of the
    /// source's flood before this one, in which it does not count as another source.
    public func join(
        _ key: IncidentKey, source: IPAddress, before: UInt32, previous: UInt32, id: UInt64, now: Instant,
        subject: () -> Incident.Subject
    ) -> (number: UInt32, isNew: Bool) {
        open.withPart(at: 0) { open in
            let key = open.kept(key)
            if let number = open.numbers[key] {
                if number != previous { update(number) { $0.join(source, before: before) } }
                return (number, false)
            }
            open.newest += 1
            let number = open.newest
            var incident = Incident(number: number, id: id, subject: subject(), since: now)
            incident.join(source, before: before)
            let replaced = places.withPart(at: Int(number)) { old in
                defer { old = incident }
                return old?.number
            }
            if let replaced { open.close(replaced) }
            open.add(key, number)
            return (number, true)
        }
    }

    /// Requests of a flood, and how many of them were answered.
    public func count(_ number: UInt32, messages: Int, answers: Int, afterAnswer: Bool, rung: UInt8, now: Instant) {
        update(number) { incident in
            incident.messages += UInt64(messages)
            incident.answers += UInt64(answers)
            if afterAnswer { incident.messagesAfterAnswer += UInt64(messages) }
            incident.rung = max(incident.rung, rung)
            incident.lastMessage = max(incident.lastMessage, now)
        }
    }

    /// One of its sources was banned.
    public func countBan(_ number: UInt32) { update(number) { $0.bans += 1 } }

    /// Nothing happens to an incident that has lost its place.
    private func update(_ number: UInt32, _ body: (inout Incident) -> Void) {
        guard number != 0 else { return }
        places.withPart(at: Int(number)) { incident in
            if incident?.number == number { body(&incident!) }
        }
    }

    /// Closes the incidents that have lingered long enough, and returns them.
    public func close(at now: Instant) -> [Incident] {
        let over = open.withPart(at: 0) { $0.keys.keys.sorted() }.compactMap { number in
            places.withPart(at: Int(number)) { incident -> Incident? in
                guard let incident, incident.number == number, now - incident.lastMessage > Self.linger else {
                    return nil
                }
                return incident
            }
        }
        if !over.isEmpty { open.withPart(at: 0) { open in for incident in over { open.close(incident.number) } } }
        return over
    }

    /// All that are remembered, the newest first.
    public var incidents: [Incident] {
        var all: [Incident] = []
        places.visit { if let incident = $0 { all.append(incident) } }
        return all.sorted { $0.number > $1.number }
    }

    /// The incident with this number, unless it has lost its place.
    public func incident(number: UInt32) -> Incident? {
        number == 0 ? nil : places.withPart(at: Int(number)) { $0?.number == number ? $0 : nil }
    }

    /// The incident with this id.
    public func incident(id: UInt64) -> Incident? {
        var found: Incident?
        places.visit { if $0?.id == id { found = $0 } }
        return found
    }
}

extension IncidentTable.Open {
    /// The key itself, or its rule's where the rule has too many already.
    fileprivate func kept(_ key: IncidentKey) -> IncidentKey {
        guard let rule = key.narrowRule, numbers[key] == nil, perRule[rule, default: 0] >= IncidentTable.apart else {
            return key
        }
        return .rule(rule)
    }

    fileprivate mutating func add(_ key: IncidentKey, _ number: UInt32) {
        (numbers[key], keys[number]) = (number, key)
        if let rule = key.narrowRule { perRule[rule, default: 0] += 1 }
    }

    fileprivate mutating func close(_ number: UInt32) {
        guard let key = keys.removeValue(forKey: number) else { return }
        numbers[key] = nil
        guard let rule = key.narrowRule, let others = perRule[rule] else { return }
        perRule[rule] = others > 1 ? others - 1 : nil
    }
}

/// What a trace says of the values that were seen. Only for who asks: nothing of this is on the way of a request.
extension Engine {
    /// Of a signature the value that each of its conditions found.
    func values(of mark: Signature, in facts: RequestFacts) -> String {
        let found = mark.conditions.compactMap { condition in
            condition.fields.first { field in holds(Condition(fields: [field], matcher: condition.matcher), facts) }
        }
        return found.map { "\($0.name) \(Trace.quoted(facts[$0], of: $0))" }.joined(separator: ", ")
    }

    private func holds(_ condition: Condition, _ facts: RequestFacts) -> Bool {
        let signature = Signature(
            name: "one", tool: "any", purpose: .scan, weight: 1, mode: .enforce, conditions: [condition])
        return signature.matches(facts, dialling: ruleset.dialling)
    }

    /// What speaks for a mark: values of the request, or where the feed's list comes from.
    func evidence(_ index: Int, _ facts: RequestFacts) -> String {
        guard index >= ruleset.signatures.count else { return values(of: ruleset.mark(index), in: facts) }
        return "\(facts.source) is in \(ruleset.feeds[index - ruleset.signatures.count].origin.description)"
    }

    /// How far a limit is used up before this request.
    func usage(of rule: LimitRule, _ facts: RequestFacts, _ credit: Credit, _ now: Instant) -> String {
        if rule.limit(for: credit) == nil { return "not for trusted sources" }
        guard let level = level(of: rule, facts, credit, now) else { return "the request tells nothing that it counts" }
        return "\(level.isFull ? "full" : "conforms"): \(level.description(of: rule.event)), \(rule.mode.rawValue)"
    }

    /// The limits on what becomes of requests, which a report would be counted against.
    func traceReportLimits(_ facts: RequestFacts, _ credit: Credit, _ now: Instant, _ trace: inout Trace?) {
        guard trace != nil else { return }
        let method = MethodSet(facts[.method])
        for place in ruleset.reportLimits where place.concerns(method) {
            let rule = ruleset.limits[place.index]
            trace?.add("limit \(rule.name)", usage(of: rule, facts, credit, now))
        }
    }

    /// How full the counter is that a limit keeps for these facts; nil where they do not tell which one, or the store does not.
    private func level(
        of rule: LimitRule, _ facts: RequestFacts, _ credit: Credit, _ now: Instant
    ) -> RateLimit.Level? {
        guard let limit = rule.limit(for: credit), let key = counter(of: rule, facts) else { return nil }
        return store.arrival(of: key).map { limit.level(at: $0, now: now) }
    }

    private func counter(of rule: LimitRule, _ facts: RequestFacts) -> CounterKey? {
        guard rule.scope.isTold(by: facts) else { return nil }
        let key = rule.scope.key(rule.id, facts, grouping: ruleset.sources)
        guard rule.event.isDistinct else { return key }
        return member(of: rule.event, key, facts).map { set(of: $0, key, rule) }
    }

    /// The limits that count something of a source whatever it asks for, and how full they are; those at rest are left out.
    public func levels(of record: SourceRecord, now: Instant) -> [(rule: LimitRule, level: RateLimit.Level)] {
        let credit = ruleset.trust.credit(for: record.lastAuthOK, now: now)
        return ruleset.limits.compactMap { rule in
            guard rule.mode != .off, rule.scope.parts == [.source], rule.event != .dialPrefixes,
                let limit = rule.limit(for: credit)
            else { return nil }
            let key = rule.scope.key(rule.id, RequestFacts(source: record.address), grouping: ruleset.sources)
            guard let level = store.arrival(of: key).map({ limit.level(at: $0, now: now) }), level.used > 0 else {
                return nil
            }
            return (rule, level)
        }
    }

    /// How many times as high as usual the source's limits are.
    public func trustFactor(of record: SourceRecord, now: Instant) -> Int {
        ruleset.trust.credit(for: record.lastAuthOK, now: now).factor
    }
}

extension RateLimit {
    /// How full a counter is.
    public struct Level: Hashable, Sendable {
        /// Events that take up room now.
        public let used: Int
        /// Room from rest.
        public let room: Int
        /// When the next event conforms; zero: now.
        public let next: Duration

        var isFull: Bool { next > .zero }

        func description(of event: CountedEvent) -> String {
            let words = "\(used) of \(room) \(event.rawValue)"
            return isFull ? words + ", the next conforms in \(next.secondsRoundedUp) s" : words
        }
    }

    /// What a theoretical arrival time means: an event takes up its interval.
    func level(at arrival: Instant, now: Instant) -> Level {
        guard arrival > now else { return Level(used: 0, room: burst, next: .zero) }
        let ahead = arrival.microseconds - now.microseconds
        let used = ahead / interval + (ahead % interval > 0 ? 1 : 0)
        let wait = ahead - Int64(burst - 1) * interval
        return Level(used: min(Int(used), burst), room: burst, next: .microseconds(max(0, wait)))
    }
}

extension Trace {
    static let mostBytesOfValue = 64

    /// A value as people may see it: in quotes, cut, what is not printable ASCII escaped, and without passwords.
    static func quoted(_ value: Bytes, of field: Field) -> String {
        let kept = Redaction.bytes(value, of: field)
        var text = "\""
        for byte in kept.prefix(mostBytesOfValue) {
            switch byte {
            case 0x22, 0x5C: text += "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7F: text += String(UnicodeScalar(byte))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + (kept.count > mostBytesOfValue ? "...\"" : "\"")
    }
}

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

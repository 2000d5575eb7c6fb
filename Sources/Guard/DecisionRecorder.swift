import JSON
import Policy

/// Writes one thread's decisions and reports as lines of the decision log, in memory that is used again and again.
///
/// A line is `{"time": ..., "check": {...}, "result": {...}}` or `{"time": ..., "report": {...}}`, with the params and the result
/// of the protocol's methods; and `"feeds": [...]` before the result where block feeds name the source. The bracket and the time are put in front by the thread that writes the file.
final class DecisionRecorder {
    /// Bytes of one fact that are kept; longer ones are cut.
    static let mostBytesOfFact = 1024

    private let log: DecisionLog
    private let stripe: Int
    /// `","ruri":"` and so on, in the order of the fields: each begins with the quote that ends the string before.
    private let names = Field.allCases.map { ShortText("\",\"\($0.name)\":\"") }
    /// Room for a line with nine facts of full length. One thread uses it, so that a check at each access would find nothing; they
    /// were a fifth of a line's cost.
    @exclusivity(unchecked) private var line = JSONWriter(capacity: 16 << 10)

    init(_ log: DecisionLog) { (self.log, stripe) = (log, log.nextStripe()) }

    func record(_ decision: Decision, _ facts: RequestFacts, _ ruleset: Ruleset, at now: Instant) {
        if log.settings.coverage == .treated, decision.answer == .pass, decision.shadow == nil { return }
        line.removeAll()
        line.raw(#""check":{"#)
        write(facts)
        line.raw("}")
        if facts.feeds != 0 { writeFeeds(facts, ruleset) }
        line.raw(#","result":"#)
        DecisionWriter.write(decision, into: &line)
        line.raw("}\n")
        log.add(line.bytes, at: now, stripe: stripe)
    }

    func record(_ outcome: Outcome, _ facts: RequestFacts, at now: Instant) {
        guard log.settings.coverage == .all || outcome == .dropped else { return }
        line.removeAll()
        line.raw(#""report":{"#)
        line.member("outcome", outcome.rawValue)
        line.raw(",")
        write(facts)
        line.raw("}}\n")
        log.add(line.bytes, at: now, stripe: stripe)
    }
}

extension DecisionRecorder {
    @inline(never)
    private func writeFeeds(_ facts: RequestFacts, _ ruleset: Ruleset) {
        let feeds = ruleset.feeds
        let names = feeds.indices.filter { facts.feeds & 1 << UInt32($0) != 0 }.map { JSONValue.string(feeds[$0].name) }
        line.member("feeds", .array(names))
    }

    private func write(_ facts: RequestFacts) {
        line.raw(#""source_ip":""#)
        line.raw(atMost: IPAddress.longestText) { facts.source.write(to: $0) }
        if let transport = facts.transport { line.raw(Self.member(transport)) }
        facts.withTexts { texts in
            for index in names.indices where texts[index].isKnown {
                line.raw(names[index])
                write(texts[index], ofFieldAt: index)
            }
        }
        line.raw("\"")
        if let cseq = facts.cseq { write(#","cseq":"#, cseq) }
        if let maxForwards = facts.maxForwards { write(#","max_forwards":"#, maxForwards) }
        if facts.nonceIsValid { line.member("auth_nonce_valid", true) }
        if facts.count != 1 { line.member("count", facts.count) }
    }

    private func write(_ name: StaticString, _ number: Int) {
        line.raw(name)
        line.int(number)
    }

    /// Without the quote behind it, as `names`.
    private static func member(_ transport: Transport) -> StaticString {
        switch transport {
        case .udp: #"","transport":"udp"#
        case .tcp: #"","transport":"tcp"#
        case .tls: #"","transport":"tls"#
        case .ws: #"","transport":"ws"#
        case .wss: #"","transport":"wss"#
        case .sctp: #"","transport":"sctp"#
        }
    }

    @inline(__always)
    private func write(_ value: Bytes, ofFieldAt index: Int) {
        let value = value.count <= Self.mostBytesOfFact ? value : value.part(0, Self.mostBytesOfFact)
        switch index {
        case Field.fromTag.rawValue where Redaction.mayHoldPassword(tag: value): write(value, Redaction.tag)
        case Field.ruri.rawValue where Redaction.mayHoldPassword(uri: value): write(value, Redaction.uri)
        case Field.contact.rawValue where Redaction.mayHoldPassword(uri: value): write(value, Redaction.uri)
        default: line.escaped(UnsafeRawBufferPointer(value))
        }
    }

    @inline(never)
    private func write(_ value: Bytes, _ redact: (Bytes, UnsafeMutableBufferPointer<UInt8>) -> Int) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(1, value.count)) { memory in
            line.escaped(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<redact(value, memory)]))
        }
    }
}

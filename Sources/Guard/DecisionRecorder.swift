import JSON
import Policy

/// Writes one thread's decisions and reports as lines of the decision log, in memory that is used again and again.
///
/// A line is `{"time": ..., "check": {...}, "result": {...}}` or `{"time": ..., "report": {...}}`, with the params and the result
/// of the protocol's methods. The bracket and the time are put in front by the thread that writes the file.
final class DecisionRecorder {
    /// Bytes of one fact that are kept; longer ones are cut.
    static let mostBytesOfFact = 1024

    private let log: DecisionLog
    private let stripe: Int
    /// `,"ruri":"` and so on, in the order of the fields.
    private let names = Field.allCases.map { ShortText(",\"\($0.name)\":\"") }
    /// Room for a line with nine facts of full length. One thread uses it, so that a check at each access would find nothing; they
    /// were a fifth of a line's cost.
    @exclusivity(unchecked) private var line = JSONWriter(capacity: 16 << 10)

    init(_ log: DecisionLog) { (self.log, stripe) = (log, log.nextStripe()) }

    func record(_ decision: Decision, id: UInt64, _ facts: RequestFacts, at now: Instant) {
        if log.settings.coverage == .treated, decision.answer == .pass, decision.shadow == nil { return }
        line.removeAll()
        line.raw(#""check":{"#)
        write(facts)
        line.raw(#"},"result":"#)
        DecisionWriter.write(decision, id: id, into: &line)
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
    private func write(_ facts: RequestFacts) {
        line.raw(#""source_ip":""#)
        line.raw(atMost: IPAddress.longestText) { facts.source.write(to: $0) }
        line.raw("\"")
        if let transport = facts.transport { line.member("transport", Self.name(of: transport)) }
        facts.withTexts { texts in
            for index in names.indices where texts[index].isKnown { write(texts[index], ofFieldAt: index) }
        }
        if let cseq = facts.cseq { line.member("cseq", cseq) }
        if let maxForwards = facts.maxForwards { line.member("max_forwards", maxForwards) }
        if facts.nonceIsValid { line.member("auth_nonce_valid", true) }
        if facts.count != 1 { line.member("count", facts.count) }
    }

    private static func name(of transport: Transport) -> StaticString {
        switch transport {
        case .udp: "udp"
        case .tcp: "tcp"
        case .tls: "tls"
        case .ws: "ws"
        case .wss: "wss"
        case .sctp: "sctp"
        }
    }

    private func write(_ value: Bytes, ofFieldAt index: Int) {
        let value = value.count <= Self.mostBytesOfFact ? value : value.part(0, Self.mostBytesOfFact)
        line.raw(names[index])
        switch Field(rawValue: index) {
        case .fromTag where Redaction.mayHoldPassword(tag: value): write(value, Redaction.tag)
        case .ruri where Redaction.mayHoldPassword(uri: value): write(value, Redaction.uri)
        case .contact where Redaction.mayHoldPassword(uri: value): write(value, Redaction.uri)
        default: line.escaped(UnsafeRawBufferPointer(value))
        }
        line.raw("\"")
    }

    private func write(_ value: Bytes, _ redact: (Bytes, UnsafeMutableBufferPointer<UInt8>) -> Int) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(1, value.count)) { memory in
            line.escaped(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<redact(value, memory)]))
        }
    }
}

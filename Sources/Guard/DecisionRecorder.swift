import Glibc
import JSON
import Policy

/// Writes one thread's decisions and reports as lines of the decision log, in memory that is used again and again.
///
/// A line is `{"time": ..., "check": {...}, "result": {...}}` or `{"time": ..., "report": {...}}`, with the params and the result
/// of the protocol's methods. The time is put in front by the thread that writes the file.
final class DecisionRecorder {
    /// Bytes of one fact that are kept; longer ones are cut.
    static let mostBytesOfFact = 1024

    private let log: DecisionLog
    private let stripe: Int
    /// Room for a line with nine facts of full length.
    private var line = JSONWriter(capacity: 16 << 10)

    init(_ log: DecisionLog) { (self.log, stripe) = (log, log.nextStripe()) }

    func record(_ decision: Decision, id: UInt64, _ facts: RequestFacts, at now: Instant) {
        if log.settings.coverage == .treated, decision.answer == .pass, decision.shadow == nil { return }
        Self.write(decision, id: id, facts, into: &line)
        add(now)
    }

    func record(_ outcome: Outcome, _ facts: RequestFacts, at now: Instant) {
        guard log.settings.coverage == .all || outcome == .dropped else { return }
        Self.write(outcome, facts, into: &line)
        add(now)
    }

    private func add(_ now: Instant) {
        // Without the bracket, in whose place the time will stand.
        log.add(UnsafeRawBufferPointer(rebasing: line.bytes[1...]), at: now, stripe: stripe)
    }
}

/// The line is lent for a whole record: each access to a class's variable is checked for exclusivity, which was a fifth of its cost.
extension DecisionRecorder {
    private static func write(
        _ decision: Decision, id: UInt64, _ facts: RequestFacts, into line: inout JSONWriter
    ) {
        line.removeAll()
        line.beginObject()
        line.key("check")
        line.beginObject()
        write(facts, into: &line)
        line.endObject()
        line.key("result")
        DecisionWriter.write(decision, id: id, into: &line)
        line.endObject()
        line.raw(UInt8(ascii: "\n"))
    }

    private static func write(_ outcome: Outcome, _ facts: RequestFacts, into line: inout JSONWriter) {
        line.removeAll()
        line.beginObject()
        line.key("report")
        line.beginObject()
        line.member("outcome", outcome.rawValue)
        write(facts, into: &line)
        line.endObject()
        line.endObject()
        line.raw(UInt8(ascii: "\n"))
    }

    private static func write(_ facts: RequestFacts, into line: inout JSONWriter) {
        line.key("source_ip")
        write(facts.source, into: &line)
        if let transport = facts.transport { line.member("transport", transport.rawValue) }
        for (field, name) in RequestParams.names where facts[field].isKnown {
            line.key(name)
            write(facts[field], of: field, into: &line)
        }
        if let cseq = facts.cseq { line.member("cseq", cseq) }
        if let maxForwards = facts.maxForwards { line.member("max_forwards", maxForwards) }
        if facts.nonceIsValid { line.member("auth_nonce_valid", true) }
        if facts.count != 1 { line.member("count", facts.count) }
    }

    private static func write(_ value: Bytes, of field: Field, into line: inout JSONWriter) {
        let value = value.part(0, min(value.count, Self.mostBytesOfFact))
        switch field {
        case .fromTag: write(value, Redaction.tag, into: &line)
        case .ruri, .contact: write(value, Redaction.uri, into: &line)
        default: line.string(UnsafeRawBufferPointer(value))
        }
    }

    private static func write(
        _ value: Bytes, _ redact: (Bytes, UnsafeMutableBufferPointer<UInt8>) -> Int, into line: inout JSONWriter
    ) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(1, value.count)) { memory in
            let count = redact(value, memory)
            line.string(UnsafeRawBufferPointer(memory).prefixBytes(count))
        }
    }

    /// As `IPAddress.description`, without an allocation; glibc writes the form of RFC 5952.
    private static func write(_ address: IPAddress, into line: inout JSONWriter) {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            if address.isV4 {
                var bytes = UInt32(truncatingIfNeeded: address.value).bigEndian
                inet_ntop(AF_INET, &bytes, text.baseAddress, socklen_t(text.count))
            } else {
                var bytes = address.value.bigEndian
                inet_ntop(AF_INET6, &bytes, text.baseAddress, socklen_t(text.count))
            }
            line.string(UnsafeRawBufferPointer(text).prefixBytes(strlen(text.baseAddress!)))
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func prefixBytes(_ count: Int) -> Self { Self(rebasing: self[..<count]) }
}

import JSON
import Policy

/// Makes lines of the decision log's records.
///
/// A line is `{"time": ..., "check": {...}, "result": {...}}` or `{"time": ..., "report": {...}}`, with the params and the result
/// of the protocol's methods; and `"feeds": [...]` before the result where block feeds name the source.
struct DecisionLineWriter {
    /// `","ruri":"` and so on, in the order of the fields: each begins with the quote that ends the string before.
    private let names = Field.allCases.map { ShortText("\",\"\($0.name)\":\"") }
    private var stamp = TimeStamp()

    /// - Parameter time: microseconds since 1970.
    mutating func write(_ record: LogRecord, at time: Int64, into line: inout JSONWriter) {
        stamp.write(time, into: &line)
        if case .report(let outcome) = record.head.kind {
            line.raw(#""report":{"#)
            line.member("outcome", outcome.rawValue)
            line.raw(#",""#)
        } else {
            line.raw(#""check":{""#)
        }
        let rest = write(record, into: &line)
        line.raw("}")
        line.raw(rest)
        if case .plainPass(let id) = record.head.kind {
            line.raw(#","result":"#)
            DecisionWriter.writePlainPass(id, into: &line)
        }
        line.raw("}\n")
    }

    /// The facts; the rest of the line.
    @inline(__always)
    private func write(_ record: LogRecord, into line: inout JSONWriter) -> UnsafeRawBufferPointer {
        let head = record.head
        line.raw(#"source_ip":""#)
        line.raw(atMost: IPAddress.longestText) { head.source.write(to: $0) }
        if let transport = head.transport { line.raw(Self.member(transport)) }
        let rest = record.forEachText { field, text in
            line.raw(names[field])
            Self.write(text, ofFieldAt: field, into: &line)
        }
        line.raw("\"")
        if let cseq = head.cseq { Self.write(#","cseq":"#, cseq, into: &line) }
        if let maxForwards = head.maxForwards { Self.write(#","max_forwards":"#, maxForwards, into: &line) }
        if head.nonceIsValid { line.raw(#","auth_nonce_valid":true"#) }
        if head.count != 1 { Self.write(#","count":"#, head.count, into: &line) }
        return rest
    }

    private static func write(_ name: StaticString, _ number: Int, into line: inout JSONWriter) {
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
    private static func write(_ value: Bytes, ofFieldAt index: Int, into line: inout JSONWriter) {
        let isCut = value.count == LogRecord.mostBytesOfFact
        switch index {
        case Field.fromTag.rawValue where Redaction.mayHoldPassword(tag: value):
            write(value, Redaction.tag, into: &line)
        case Field.ruri.rawValue where isCut || Redaction.mayHoldPassword(uri: value):
            write(value, { Redaction.uri($0, of: .ruri, isCut: isCut, into: $1) }, into: &line)
        case Field.contact.rawValue where isCut || Redaction.mayHoldPassword(uri: value):
            write(value, { Redaction.uri($0, of: .contact, isCut: isCut, into: $1) }, into: &line)
        default: line.escaped(UnsafeRawBufferPointer(value))
        }
    }

    @inline(never)
    private static func write(
        _ value: Bytes, _ redact: (Bytes, UnsafeMutableBufferPointer<UInt8>) -> Int, into line: inout JSONWriter
    ) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(1, value.count)) { memory in
            line.escaped(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<redact(value, memory)]))
        }
    }
}

/// How a line begins, `{"time":"2026-01-31T12:00:00.123456Z",`; most of it stays the same for a second.
private struct TimeStamp {
    private var second = Int64.min
    private var beginning = ShortText("")

    /// - Parameter time: microseconds since 1970.
    mutating func write(_ time: Int64, into text: inout JSONWriter) {
        let (second, fraction) = time.quotientAndRemainder(dividingBy: 1_000_000)
        if second != self.second {
            self.second = second
            beginning = ShortText(#"{"time":"\#(Clock.text(ofWallSeconds: second).dropLast())."#)
        }
        text.raw(beginning)
        text.raw(atMost: 6) { digits in
            var rest = fraction
            for place in (0..<6).reversed() {
                digits[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return 6
        }
        text.raw(#"Z","#)
    }
}

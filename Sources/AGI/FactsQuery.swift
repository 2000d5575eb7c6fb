#if !ONE_MODULE
    import Policy
#endif

/// How much is asked of a channel. Each fact costs Asterisk a change of threads: measured, 0.05 ms.
public enum Facts: Sendable {
    /// Those that the built-in policy decides an INVITE by.
    case few
    /// All that the dialplan can tell.
    case all

    /// Expressions of the dialplan, in the order of the answer; the first two are the source and the Request-URI.
    fileprivate var expressions: [StaticString] {
        let few: [StaticString] = [
            "CHANNEL(pjsip,remote_addr)", "CHANNEL(pjsip,request_uri)", "PJSIP_HEADER(read,From)",
            "PJSIP_HEADER(read,User-Agent)",
        ]
        guard self == .all else { return few }
        return few + [
            "CHANNEL(pjsip,call-id)", "PJSIP_HEADER(read,To)", "PJSIP_HEADER(read,Via)", "PJSIP_HEADER(read,Contact)",
        ]
    }

    /// What the values from the third on are.
    static let headers: [StaticString] = ["From: ", "User-Agent: ", "Call-ID: ", "To: ", "Via: ", "Contact: "]
}

/// The one question that takes all facts from the channel.
///
/// Every value is percent-encoded by Asterisk, so that none can hold a space, a line break or a bracket, and a random word
/// stands before them: a line that has it is the answer to this question and to no other.
struct FactsQuery {
    private let nonce: [UInt8]
    private let expressions: [StaticString]

    /// - Parameter nonce: letters and digits that nobody can guess.
    init(nonce: [UInt8], facts: Facts) {
        self.nonce = nonce
        expressions = facts.expressions
    }

    /// The line to send.
    var command: [UInt8] {
        var line: [UInt8] = []
        line.append("GET FULL VARIABLE \"")
        line += nonce
        for expression in expressions {
            line.append(" ${URIENCODE(${")
            line.append(expression)
            line.append("})}")
        }
        line.append(" .\"\n")
        return line
    }

    /// Whether a line is the answer, be it a good one or not.
    func isAnswer(_ line: Bytes) -> Bool {
        guard line.hasPrefix(Self.begin), line.count > Self.begin.utf8CodeUnitCount + nonce.count else { return false }
        let start = Self.begin.utf8CodeUnitCount
        let word = line.part(start, start + nonce.count)
        return nonce.withUnsafeBufferPointer { word.sameBytes(as: $0) } && line[start + nonce.count] == 0x20
    }

    private static let begin: StaticString = "200 result=1 ("
    private static let end: StaticString = " .)"

    /// The request that the answer tells of; nil if it is not as asked, or names no source.
    func request(from line: Bytes) -> CalledRequest? {
        guard isAnswer(line), line.hasSuffix(Self.end) else { return nil }
        let start = Self.begin.utf8CodeUnitCount + nonce.count + 1
        let end = line.count - Self.end.utf8CodeUnitCount
        var values: [[UInt8]] = []
        var index = start
        while index <= end, values.count < expressions.count {
            let next = min(line.index(of: 0x20, from: index) ?? end, end)
            guard let value = line.part(index, next).percentDecoded else { return nil }
            values.append(value)
            index = next + 1
        }
        guard values.count == expressions.count, index > end else { return nil }
        return CalledRequest(values: values)
    }
}

extension [UInt8] {
    /// Adds a fixed text.
    mutating func append(_ text: StaticString) { text.withUTF8Buffer { append(contentsOf: $0) } }
}

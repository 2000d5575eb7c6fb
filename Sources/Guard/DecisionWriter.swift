import JSON
import Policy

/// Writes a decision as the result of `guard.check`.
enum DecisionWriter {
    /// - Parameter agent: the User-Agent that was read, which a lease may hold for.
    static func write(_ decision: Decision, agent: Bytes = .unknown, into result: inout JSONWriter) {
        if decision.isPlainPass { return writePlainPass(decision.id, into: &result) }
        result.beginObject()
        result.raw(member(decision.answer.verdict))
        writeAnswer(decision, into: &result)
        result.raw(#","rule":""#)
        var rule = decision.rule
        rule.withUTF8 { result.escaped(UnsafeRawBufferPointer($0)) }
        result.raw(#"","decision":""#)
        writeDigits(of: decision.id, into: &result)
        result.raw(#"","ttl":"#)
        result.raw(number: UInt64(max(0, decision.lease?.duration.microseconds ?? 0) / 1000))
        switch decision.lease?.key {
        case .source: result.member("key", "source")
        case .sourceAndUserAgent:
            result.member("key", "source_user_agent")
            if agent.isKnown { result.member("user_agent", UnsafeRawBufferPointer(agent)) }
        case nil: break
        }
        if let shadow = decision.shadow {
            result.key("shadow")
            result.beginObject()
            result.key("verdict")
            write(shadow.verdict, into: &result)
            result.member("rule", shadow.rule)
            result.endObject()
        }
        result.endObject()
    }

    /// Most answers: two texts with the id between them.
    static func writePlainPass(_ id: UInt64, into result: inout JSONWriter) {
        result.raw(#"{"verdict":"pass","rule":"default","decision":""#)
        writeDigits(of: id, into: &result)
        result.raw(#"","ttl":0}"#)
    }

    /// What every reply begins with, in one piece.
    private static func member(_ verdict: Verdict) -> StaticString {
        switch verdict {
        case .pass: #""verdict":"pass""#
        case .reject: #""verdict":"reject""#
        case .ok200: #""verdict":"ok200""#
        case .drop: #""verdict":"drop""#
        }
    }

    static func write(_ verdict: Verdict, into result: inout JSONWriter) {
        switch verdict {
        case .pass: result.string("pass")
        case .reject: result.string("reject")
        case .ok200: result.string("ok200")
        case .drop: result.string("drop")
        }
    }

    private static func writeAnswer(_ decision: Decision, into result: inout JSONWriter) {
        switch decision.answer {
        case .pass, .drop: break
        case .reject(let code, let reason):
            result.member("code", code)
            result.member("reason", reason)
            if let retry = decision.retryAfter { result.member("retry_after", max(1, retry.secondsRoundedUp)) }
        case .plain200:
            result.member("code", 200)
            result.member("reason", "OK")
            result.member("variant", "plain")
        case .disarm200:
            result.member("code", 200)
            result.member("reason", "OK")
            result.member("variant", "disarm")
            result.key("from_tag")
            writeDisarmTag(decision.id, into: &result)
        }
    }

    /// Sixteen hexadecimal digits.
    private static func writeDigits(of id: UInt64, into result: inout JSONWriter) {
        result.raw(atMost: 16) { start in
            let bytes = UnsafeMutableRawPointer(start)
            bytes.storeBytes(of: digits(UInt32(truncatingIfNeeded: id >> 32)).bigEndian, as: UInt64.self)
            bytes.storeBytes(of: digits(UInt32(truncatingIfNeeded: id)).bigEndian, toByteOffset: 8, as: UInt64.self)
            return 16
        }
    }

    /// Eight hexadecimal digits, one in each byte, all made at once.
    private static func digits(_ number: UInt32) -> UInt64 {
        var spread = UInt64(number)
        spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
        spread = (spread | spread << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // A byte above 9 gets a carry into its fifth bit; a letter stands 39 places above where a digit would.
        let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return spread &+ 0x3030_3030_3030_3030 &+ letters &* 39
    }

    /// A From tag on which SIPVicious' own parser gives up: hex that decodes to text with two bytes 01, where it expects
    /// one (its `getTag`, measured with version 0.3.3). The text differs each time, so that no tool can learn it.
    private static func writeDisarmTag(_ id: UInt64, into result: inout JSONWriter) {
        withUnsafeTemporaryAllocation(byteCount: 28, alignment: 1) { bytes in
            var rest = (id &* 0x9E37_79B9_7F4A_7C15) ^ (id >> 29)
            for index in 0..<14 {
                let isSeparator = index == 4 || index == 9
                bytes[2 * index] = isSeparator ? 0x30 : 0x36
                bytes[2 * index + 1] = isSeparator ? 0x31 : hex(UInt8(truncatingIfNeeded: rest) & 15)
                if !isSeparator { rest >>= 4 }
            }
            result.string(UnsafeRawBufferPointer(bytes))
        }
    }

    private static func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x57 + digit }
}

extension Decision {
    /// Whether all that there is to say of it is its id.
    var isPlainPass: Bool {
        if case .pass = answer { ruleID == .default && shadow == nil && lease == nil } else { false }
    }
}

extension UInt64 {
    /// The id of a decision or incident as everybody writes it: sixteen hexadecimal digits.
    public var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

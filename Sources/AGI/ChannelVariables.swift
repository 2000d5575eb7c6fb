#if !ONE_MODULE
    import Policy
#endif

/// What the dialplan is told: fixed words, numbers and names of the policy, never a byte of the request.
public struct ChannelVariables: Equatable, Sendable {
    public let verdict: Verdict
    /// With anything but `pass`: a status for `PJSIPHangup()`; 200 with `ok200`.
    public let code: Int?
    private let rule: [UInt8]
    private let decision: UInt64

    /// The status for verdicts that end a call without naming one: no dialplan can be silent.
    static let decline = 603

    public init(verdict: Verdict, code: Int?, rule: String, decision: UInt64) {
        self.init(verdict: verdict, code: code, rule: Array(rule.utf8), decision: decision)
    }

    init(verdict: Verdict, code: Int?, rule: [UInt8], decision: UInt64) {
        self.verdict = verdict
        switch verdict {
        case .pass: self.code = nil
        case .ok200: self.code = 200
        case .reject: self.code = code.flatMap { (400...699).contains($0) ? $0 : nil } ?? Self.decline
        case .drop: self.code = Self.decline
        }
        (self.rule, self.decision) = (rule, decision)
    }

    /// The cause for `Hangup()`; one that declines where the status is none that ends a call.
    var cause: Int? { code.map(HangupCause.forStatus) }

    /// The command that tells it. One for all, since each costs a change of threads on both sides, and so the dialplan sees
    /// everything or nothing.
    var command: [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(256)
        line.append("EXEC MSet SIPGUARD_VERDICT=")
        line += verdictName
        if let code {
            line.append(",SIPGUARD_CODE=")
            line += Self.digits(code)
        }
        if let cause {
            line.append(",SIPGUARD_CAUSE=")
            line += Self.digits(cause)
        }
        line.append(",SIPGUARD_RULE=")
        line += safeRule
        line.append(",SIPGUARD_DECISION=")
        line += Self.hexadecimal(decision)
        line.append(0x0A)
        return line
    }

    private var verdictName: [UInt8] {
        switch verdict {
        case .pass: .init("pass".utf8)
        case .reject: .init("reject".utf8)
        case .ok200: .init("ok200".utf8)
        case .drop: .init("drop".utf8)
        }
    }

    /// Names of a policy are already of this kind; what is not becomes a hyphen.
    private var safeRule: [UInt8] {
        let name = rule.prefix(64).map { byte in
            let isLetter = (0x61...0x7A).contains(byte.lowercased)
            return isLetter || byte.isDigit || byte == 0x2D || byte == 0x2E || byte == 0x5F ? byte : 0x2D
        }
        return name.isEmpty ? [0x2D] : name
    }

    private static func digits(_ number: Int) -> [UInt8] {
        var (rest, digits): (Int, [UInt8]) = (number, [])
        repeat {
            digits.insert(0x30 + UInt8(rest % 10), at: 0)
            rest /= 10
        } while rest > 0
        return digits
    }

    private static func hexadecimal(_ number: UInt64) -> [UInt8] {
        (0..<16).map { index in
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * index)) & 15
            return digit < 10 ? 0x30 + digit : 0x57 + digit
        }
    }
}

#if !ONE_MODULE
    import Policy
#endif

/// What the classic AGI program says to the daemon: one line of JSON-RPC (docs/protocol.md, `guard.check`).
public enum DaemonQuestion {
    public static func line(_ request: CalledRequest) -> [UInt8] {
        var line: [UInt8] = []
        line.append(#"{"jsonrpc":"2.0","id":1,"method":"guard.check","params":{"source_ip":""#)
        line += Array(request.source.description.utf8)
        if request.isForged {
            line.append(#"","anomaly":""#)
            line.append(CalledRequest.anomaly)
        }
        line.append(#"","message":""#)
        request.message.withUnsafeBufferPointer { append(text: $0, to: &line) }
        line.append("\"}}\n")
        return line
    }

    /// Adds the inside of a JSON string; a byte that is not part of UTF-8 becomes `\u00XX`.
    private static func append(text: Bytes, to line: inout [UInt8]) {
        var index = 0
        while index < text.count {
            let byte = text[index]
            let length = text.lengthOfCharacter(at: index)
            if length > 1 {
                line.append(contentsOf: text.part(index, index + length))
            } else if byte < 0x20 || byte >= 0x7F {
                line.append(#"\u00"#)
                line.append(hexadecimal(byte >> 4))
                line.append(hexadecimal(byte & 15))
            } else {
                if byte == 0x22 || byte == 0x5C { line.append(0x5C) }
                line.append(byte)
            }
            index += max(length, 1)
        }
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x57 + digit }
}

/// What the daemon says, as far as the dialplan is told it.
public enum DaemonReply {
    /// Nil for an error and for anything that is not understood. The daemon writes its replies without spaces, and none of
    /// these members can be part of another's text, since that would escape the quotation mark.
    public static func variables(from line: Bytes) -> ChannelVariables? {
        guard let name = text(#""verdict":""#, in: line), let rule = text(#""rule":""#, in: line),
            let decision = text(#""decision":""#, in: line), decision.count == 16
        else { return nil }
        var id: UInt64 = 0
        for byte in decision {
            guard let digit = byte.hexValue else { return nil }
            id = id << 4 | UInt64(digit)
        }
        let verdict: Verdict
        if name.equals(lowercase: "pass") {
            verdict = .pass
        } else if name.equals(lowercase: "reject") {
            verdict = .reject
        } else if name.equals(lowercase: "ok200") {
            verdict = .ok200
        } else if name.equals(lowercase: "drop") {
            verdict = .drop
        } else {
            return nil
        }
        return ChannelVariables(verdict: verdict, code: number(#""code":"#, in: line), rule: Array(rule), decision: id)
    }

    private static func index(behind key: StaticString, in line: Bytes) -> Int? {
        let length = key.utf8CodeUnitCount
        guard line.count >= length else { return nil }
        for index in 0...(line.count - length) where line.part(index, index + length).hasPrefix(key) {
            return index + length
        }
        return nil
    }

    private static func text(_ key: StaticString, in line: Bytes) -> Bytes? {
        guard let start = index(behind: key, in: line), let end = line.index(of: 0x22, from: start) else { return nil }
        return line.part(start, end)
    }

    private static func number(_ key: StaticString, in line: Bytes) -> Int? {
        guard var index = index(behind: key, in: line) else { return nil }
        var (number, digits) = (0, 0)
        while index < line.count, line[index].isDigit, digits < 4 {
            number = number * 10 + Int(line[index] - 0x30)
            (index, digits) = (index + 1, digits + 1)
        }
        return digits > 0 ? number : nil
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// How many bytes the UTF-8 character takes that begins here (Unicode 16, table 3-7); 0 if none does.
    fileprivate func lengthOfCharacter(at index: Int) -> Int {
        let first = self[index]
        let (length, second): (Int, ClosedRange<UInt8>)
        switch first {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard index + length <= count, second.contains(self[index + 1]) else { return 0 }
        for offset in 2..<Swift.max(length, 2) where !(0x80...0xBF).contains(self[index + offset]) { return 0 }
        return length
    }
}

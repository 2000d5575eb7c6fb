#if !ONE_MODULE
    import Policy
#endif

/// The lines with which Asterisk begins: `agi_name: value`, up to a blank line.
///
/// Asterisk prints what callers wrote, line breaks and all, so nothing here is believed and nothing is used. What cannot
/// have come from Asterisk is counted: lines of another form, names that stand twice, names after the arguments, and
/// carriage returns.
struct Environment {
    private(set) var forgedLines = 0
    private var seen: [NameID] = []
    private var hasArguments = false

    /// Asterisk 22 sends 22 lines and one for each argument of the dialplan.
    private static let mostNames = 128

    mutating func read(_ line: Bytes) {
        guard let colon = line.index(of: 0x3A), isPlausible(line, colon) else {
            forgedLines += 1
            return
        }
        let name = line.part(0, colon)
        let isArgument = name.hasPrefix("agi_arg_")
        let id = NameID(name)
        if seen.contains(id) || seen.count >= Self.mostNames || (hasArguments && !isArgument) { forgedLines += 1 }
        if isArgument { hasArguments = true }
        if seen.isEmpty { seen.reserveCapacity(32) }
        if seen.count < Self.mostNames { seen.append(id) }
    }

    private func isPlausible(_ line: Bytes, _ colon: Int) -> Bool {
        guard line.hasPrefix("agi_"), colon + 1 < line.count, line[colon + 1] == 0x20 else { return false }
        for byte in line.part(0, colon) where !(byte.isDigit || byte == 0x5F || (0x61...0x7A).contains(byte)) {
            return false
        }
        return line.index(of: 0x0D) == nil && line.index(of: 0) == nil
    }
}

extension NameID {
    /// Of bytes; the same as of their text.
    fileprivate init(_ name: Bytes) {
        var hash: UInt32 = 2_166_136_261
        for byte in name { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        self.init(rawValue: hash)
    }
}

extension UnsafeBufferPointer<UInt8> {
    func hasSuffix(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { text in
            count >= text.count && part(count - text.count, count).sameBytes(as: text)
        }
    }

    func hasPrefix(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { text in count >= text.count && part(0, text.count).sameBytes(as: text) }
    }
}

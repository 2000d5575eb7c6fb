#if !ONE_MODULE
    import Policy
#endif

/// Facts that stand in the address the dialplan calls: `agi://.../check?source=...&ruri=...&from=...&ua=...&end`.
///
/// Asterisk tells the path in the environment's second line, before every line that a caller has a part in, and no
/// percent-encoded value can end a line. So these are as sure as the answer to a question, and spare it.
enum FactsInAddress {
    private static let names: [StaticString] = ["source=", "ruri=", "from=", "ua="]

    /// Nil where the dialplan gave none, or Asterisk has cut them.
    ///
    /// - Parameter line: the second of the environment.
    static func request(from line: Bytes) -> CalledRequest? {
        guard line.hasPrefix("agi_network_script: "), let mark = line.index(of: 0x3F, from: 0) else { return nil }
        var values: [[UInt8]] = []
        var index = mark + 1
        for name in names {
            guard let end = line.index(of: 0x26, from: index) else { return nil }
            let part = line.part(index, end)
            let start = name.utf8CodeUnitCount
            guard part.hasPrefix(name), let value = part.part(start, part.count).percentDecoded else { return nil }
            values.append(value)
            index = end + 1
        }
        return line.part(index, line.count).hasSameBytes(as: "end") ? CalledRequest(values: values) : nil
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate func hasSameBytes(as text: StaticString) -> Bool { text.withUTF8Buffer { sameBytes(as: $0) } }
}

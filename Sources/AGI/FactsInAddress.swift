#if !ONE_MODULE
    import Policy
#endif

/// Facts that stand in the address the dialplan calls: `agi://.../check?source=...&number=...&domain=...&from=...&ua=...&end`.
///
/// Asterisk tells the path in the environment's second line, before every line that a caller has a part in, and no
/// percent-encoded value can end a line. So these are as sure as the answer to a question, and spare it.
enum FactsInAddress {
    /// Nil where the dialplan gave none, or Asterisk has cut them.
    ///
    /// - Parameter line: the second of the environment.
    static func request(from line: Bytes) -> CalledRequest? {
        guard line.hasPrefix("agi_network_script: "), let mark = line.index(of: 0x3F, from: 0) else { return nil }
        var query = Query(rest: line.part(mark + 1, line.count))
        guard let source = query.next("source=")?.percentDecoded, let uri = requestURI(&query),
            let from = query.next("from=")?.percentDecoded, let userAgent = query.next("ua=")?.percentDecoded,
            query.rest.hasSameBytes(as: "end")
        else { return nil }
        return CalledRequest(values: [source, uri, from, userAgent])
    }

    /// `ruri=` has it whole; `number=` and `domain=` are what Asterisk knows of it without looking into the request, both
    /// decoded.
    private static func requestURI(_ query: inout Query) -> [UInt8]? {
        if let whole = query.next("ruri=") { return whole.percentDecoded }
        guard let number = query.next("number=")?.percentNormalized, let host = query.next("domain=")?.percentDecoded,
            !host.isEmpty, host.allSatisfy({ $0.standsInHost })
        else { return nil }
        var uri: [UInt8] = []
        uri.reserveCapacity(number.count + host.count + 8)
        uri.append("sip:")
        uri += number
        if !number.isEmpty { uri.append(0x40) }
        if host.contains(0x3A) {
            uri.append(0x5B)
            uri += host
            uri.append(0x5D)
        } else {
            uri += host
        }
        return uri
    }
}

/// `name=value&` one after the other.
private struct Query {
    var rest: Bytes

    /// The value of what comes next if that is its name.
    mutating func next(_ name: StaticString) -> Bytes? {
        guard rest.hasPrefix(name), let end = rest.index(of: 0x26, from: 0) else { return nil }
        defer { rest = rest.part(end + 1, rest.count) }
        return rest.part(name.utf8CodeUnitCount, end)
    }
}

extension UInt8 {
    /// Letters, digits, and what separates them in names and addresses.
    fileprivate var standsInHost: Bool {
        isDigit || (0x61...0x7A).contains(lowercased) || (0x2D...0x2E).contains(self) || self == 0x3A || self == 0x5F
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate func hasSameBytes(as text: StaticString) -> Bool { text.withUTF8Buffer { sameBytes(as: $0) } }
}

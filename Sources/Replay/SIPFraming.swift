import Policy

/// Finds SIP messages in bytes.
enum SIPFraming {
    static let mostBytes = 65_535

    /// Whether a datagram's or a stream's beginning is the start line of a SIP message (RFC 3261 section 7).
    static func beginsMessage(_ bytes: Bytes) -> Bool {
        let end = bytes.index(of: 0x0A) ?? bytes.count
        let line = bytes.part(0, min(end, mostBytes)).trimmed
        if isVersion(line.part(0, min(8, line.count))) { return true }
        guard line.count > 10, line[0].isTokenByte, let space = line.index(of: 0x20), space <= 32 else { return false }
        for index in 0..<space where !line[index].isTokenByte { return false }
        return isVersion(line.part(line.count - 7, line.count)) && line[line.count - 8] == 0x20
    }

    /// `SIP/2.0`, also with a space behind it.
    private static func isVersion(_ text: Bytes) -> Bool {
        (7...8).contains(text.count) && text.part(0, 7).equals(lowercase: "sip/2.0")
            && (text.count == 7 || text[7] == 0x20)
    }

    /// What stands at the beginning of a stream's bytes.
    enum Beginning: Equatable {
        /// A whole message from one index to another.
        case message(Range<Int>)
        /// Part of one.
        case incomplete
        /// Something else, of which nothing can be made.
        case other
    }

    /// RFC 3261 section 18.3: Content-Length says where a message ends. Line breaks between messages keep a
    /// connection alive (RFC 5626 section 3.5.1).
    static func beginning(_ stream: Bytes) -> Beginning {
        var start = 0
        while start < stream.count, stream[start] == 0x0D || stream[start] == 0x0A { start += 1 }
        guard start < stream.count else { return .incomplete }
        let rest = stream.part(start, stream.count)
        if rest.index(of: 0x0A) == nil { return rest.count < 8192 ? .incomplete : .other }
        guard beginsMessage(rest) else { return .other }
        guard let headers = rest.endOfHeaders else { return rest.count < mostBytes ? .incomplete : .other }
        let length = HeaderValue.find("content-length", compact: UInt8(ascii: "l"), in: rest.part(0, headers))
        let end = headers + (length.decimal ?? 0)
        guard end <= mostBytes else { return .other }
        return end <= rest.count ? .message(start..<(start + end)) : .incomplete
    }
}

/// One header of a message, for what is no fact of a request.
enum HeaderValue {
    /// The first value of the header with that name, which must be in small letters; unknown where there is none.
    static func find(_ name: StaticString, compact: UInt8? = nil, in message: Bytes) -> Bytes {
        var index = (message.index(of: 0x0A) ?? message.count) + 1
        while index < message.count {
            let end = message.index(of: 0x0A, from: index) ?? message.count
            let line = message.part(index, end)
            if line.trimmed.isEmpty { break }
            if let colon = line.index(of: 0x3A) {
                let key = line.part(0, colon).trimmed
                let isCompact = key.count == 1 && key[0].lowercased == compact
                if isCompact || key.equals(lowercase: name) { return line.part(colon + 1, line.count).trimmed }
            }
            index = end + 1
        }
        return .unknown
    }

    /// The value of `name="value"`; unknown where there is none.
    static func quoted(_ name: StaticString, in value: Bytes) -> Bytes {
        name.withUTF8Buffer { name in
            var index = 0
            while index + name.count + 2 < value.count {
                let end = index + name.count
                let isFree = index == 0 || !value[index - 1].isTokenByte
                if isFree, value.part(index, end).hasPrefix(lowercase: name), value[end] == 0x3D, value[end + 1] == 0x22
                {
                    return value.part(end + 2, value.index(of: 0x22, from: end + 2) ?? value.count)
                }
                index += 1
            }
            return .unknown
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The index behind the empty line.
    fileprivate var endOfHeaders: Int? {
        var index = 0
        while let feed = self.index(of: 0x0A, from: index) {
            if feed + 1 < count, self[feed + 1] == 0x0A { return feed + 2 }
            if feed + 2 < count, self[feed + 1] == 0x0D, self[feed + 2] == 0x0A { return feed + 3 }
            index = feed + 1
        }
        return nil
    }

    /// A whole number of at most six digits.
    var decimal: Int? {
        guard (1...6).contains(count), allSatisfy(\.isDigit) else { return nil }
        return reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}

extension UInt8 {
    /// A letter, a digit, or one of `-.!%*_+'~` and the back quote (RFC 3261 section 25.1).
    fileprivate var isTokenByte: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x25, 0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5F, 0x60, 0x7E: true
        default: false
        }
    }
}

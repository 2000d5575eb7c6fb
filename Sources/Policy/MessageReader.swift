/// Takes facts from the start line and header block of a SIP request (RFC 3261 section 7).
///
/// It never fails and never allocates: what it cannot read stays unknown. Of a header that stands twice the first counts,
/// as in the proxies that ask us. Compact names (RFC 3261 section 7.3.3), folded lines and bare line feeds are understood.
public enum MessageReader {
    /// Fills in every fact that the message tells and that `facts` does not know yet.
    public static func read(_ message: Bytes, into facts: inout RequestFacts) {
        var lines = HeaderLines(message)
        guard let start = lines.next() else { return }
        readStartLine(start, into: &facts)
        while let line = lines.next() {
            guard Header.mayBegin(with: line[0]), let colon = line.index(of: 0x3A),
                let header = Header(line.part(0, colon).trimmed)
            else { continue }
            readHeader(header, value: line.part(colon + 1, line.count).trimmed, into: &facts)
        }
        readBody(lines.rest, into: &facts)
    }

    private static func readStartLine(_ line: Bytes, into facts: inout RequestFacts) {
        guard let first = line.index(of: 0x20) else { return }
        facts.set(.method, line.part(0, first))
        let rest = line.part(first + 1, line.count).trimmed
        facts.set(.ruri, rest.part(0, rest.index(of: 0x20) ?? rest.count))
    }

    private static func readHeader(_ header: Header, value: Bytes, into facts: inout RequestFacts) {
        switch header {
        case .from:
            let address = NameAddress(value)
            facts.set(.fromDisplay, address.display)
            facts.set(.fromUser, address.user)
            facts.set(.fromDomain, address.domain)
            facts.set(.fromTag, address.tag)
        case .to:
            let address = NameAddress(value)
            facts.set(.toUser, address.user)
            facts.set(.toDomain, address.domain)
            facts.set(.toTag, address.tag)
        case .via: readVia(value, into: &facts)
        case .contact: facts.set(.contact, value)
        case .userAgent: facts.set(.userAgent, value)
        case .callID: facts.set(.callID, value)
        case .cseq: facts.cseq = facts.cseq ?? value.leadingInteger
        case .maxForwards: facts.maxForwards = facts.maxForwards ?? value.leadingInteger
        case .authorization:
            let credentials = Parameters.credentials(in: value)
            facts.set(.authUser, credentials.username)
            facts.set(.authRealm, credentials.realm)
        }
    }

    /// `SIP/2.0/UDP host:port;branch=...` (RFC 3261 section 20.42); of several in one header the topmost.
    private static func readVia(_ value: Bytes, into facts: inout RequestFacts) {
        guard !facts[.viaHost].isKnown, !facts[.viaBranch].isKnown else { return }
        let top = value.part(0, value.index(of: 0x2C) ?? value.count)
        let end = top.index(of: 0x3B) ?? top.count
        let protocolAndHost = top.part(0, end).trimmed
        var start = protocolAndHost.count
        while start > 0, !protocolAndHost[start - 1].isSpace { start -= 1 }
        facts.set(.viaHost, protocolAndHost.part(start, protocolAndHost.count).host)
        facts.set(.viaBranch, Parameters.value("branch", in: top.part(end, top.count)))
    }

    /// The session name of an SDP body (RFC 8866 section 5.3), if the message carries one.
    private static func readBody(_ body: Bytes, into facts: inout RequestFacts) {
        var index = 0
        while index < body.count {
            let end = body.index(of: 0x0A, from: index) ?? body.count
            if end - index > 2, body[index] == 0x73, body[index + 1] == 0x3D {
                facts.set(.sdpSession, body.part(index + 2, end).trimmed)
                return
            }
            index = end + 1
        }
    }
}

/// The headers that hold facts.
private enum Header {
    case from, to, via, contact, userAgent, callID, cseq, maxForwards, authorization

    /// Whether one of their names may begin so: most headers are passed over by their first byte.
    @inline(__always)
    static func mayBegin(with byte: UInt8) -> Bool {
        // f, t, v, m, i, c, u, a and p, as bits.
        let letters: UInt32 = 0b0000_0000_0111_0001_0010_0010_0100_1010
        return byte.isSpace || byte >= 0x40 && letters & 1 << UInt32(byte & 31) != 0
    }

    init?(_ name: Bytes) {
        guard let first = name.first?.lowercased else { return nil }
        // One comparison in full at most: the letter and the length leave one name.
        switch (first, name.count) {
        case (_, 1): self.init(compact: first)
        case (0x74, 2) where name.equals(lowercase: "to"): self = .to
        case (0x76, 3) where name.equals(lowercase: "via"): self = .via
        case (0x66, 4) where name.equals(lowercase: "from"): self = .from
        case (0x63, 4) where name.equals(lowercase: "cseq"): self = .cseq
        case (0x63, 7) where name[1].lowercased == 0x61: self.init(name, "call-id", .callID)
        case (0x63, 7): self.init(name, "contact", .contact)
        case (0x75, 10): self.init(name, "user-agent", .userAgent)
        case (0x6D, 12): self.init(name, "max-forwards", .maxForwards)
        case (0x61, 13): self.init(name, "authorization", .authorization)
        case (0x70, 19): self.init(name, "proxy-authorization", .authorization)
        default: return nil
        }
    }

    private init?(_ name: Bytes, _ wanted: StaticString, _ header: Self) {
        guard name.equals(lowercase: wanted) else { return nil }
        self = header
    }

    private init?(compact letter: UInt8) {
        switch letter {
        case UInt8(ascii: "f"): self = .from
        case UInt8(ascii: "t"): self = .to
        case UInt8(ascii: "v"): self = .via
        case UInt8(ascii: "m"): self = .contact
        case UInt8(ascii: "i"): self = .callID
        default: return nil
        }
    }
}

/// Splits a message into its start line and headers; a line that begins with white space belongs to the one before.
private struct HeaderLines {
    private let message: Bytes
    private var index = 0

    init(_ message: Bytes) { self.message = message }

    /// What follows the blank line.
    var rest: Bytes { message.part(min(index, message.count), message.count) }

    mutating func next() -> Bytes? {
        guard index < message.count else { return nil }
        let start = index
        var end = message.count
        while let feed = message.index(of: 0x0A, from: index) {
            index = feed + 1
            end = feed
            let isBlank = feed == start || (feed == start + 1 && message[start] == 0x0D)
            let isFolded = index < message.count && (message[index] == 0x20 || message[index] == 0x09)
            if isBlank || !isFolded { break }
        }
        if end == message.count { index = message.count }
        if end > start, message[end - 1] == 0x0D { end -= 1 }
        return end > start ? message.part(start, end) : nil
    }
}

extension RequestFacts {
    /// Takes over a fact unless it is known already: the first header counts, and a fact given singly wins.
    mutating func set(_ field: Field, _ value: Bytes) {
        if !self[field].isKnown, value.isKnown { self[field] = value }
    }
}

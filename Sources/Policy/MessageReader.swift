/// Takes facts from the start line and header block of a SIP request (RFC 3261 section 7).
///
/// It never fails and never allocates: what it cannot read stays unknown. Of a header that stands twice the first counts,
/// as in the proxies that ask us. Compact names (RFC 3261 section 7.3.3), folded lines and bare line feeds are understood.
public enum MessageReader {
    /// Fills in every fact that the message tells and that `facts` does not know yet.
    ///
    /// - Parameter lineFeeds: where the message's lines end, as far as that is known.
    public static func read(_ message: Bytes, lineFeeds: LineFeeds = LineFeeds(), into facts: inout RequestFacts) {
        guard let text = MessageText(message) else { return }
        var lines = HeaderLines(text, lineFeeds)
        guard let start = lines.next() else { return }
        readStartLine(start, text, into: &facts)
        while let line = lines.next() {
            var rest = line
            text.skipSpace(&rest)
            guard !rest.isEmpty, let (header, length) = Header.named(rest, text) else { continue }
            rest.start &+= length
            text.skipSpace(&rest)
            if text.take(0x3A, &rest) { read(header, text.trimmed(rest), text, into: &facts) }
        }
        readBody(MessageText.Part(lines.place, text.count), text, into: &facts)
    }

    private static func readStartLine(_ line: MessageText.Part, _ text: MessageText, into facts: inout RequestFacts) {
        let space = text.first(0x20, in: line)
        guard space < line.end else { return }
        facts.set(.method, text[MessageText.Part(line.start, space)])
        var uri = text.trimmed(MessageText.Part(space + 1, line.end))
        uri.end = text.first(0x20, in: uri)
        facts.set(.ruri, text[uri])
    }

    @inline(__always)
    private static func read(
        _ header: Header, _ value: MessageText.Part, _ text: MessageText, into facts: inout RequestFacts
    ) {
        switch header {
        case .from:
            let address = NameAddress(value, in: text)
            facts.set(.fromDisplay, address.display)
            facts.set(.fromUser, address.user)
            facts.set(.fromDomain, address.domain)
            facts.set(.fromTag, address.tag)
        case .to:
            let address = NameAddress(value, in: text)
            facts.set(.toUser, address.user)
            facts.set(.toDomain, address.domain)
            facts.set(.toTag, address.tag)
        case .via: readVia(value, text, into: &facts)
        case .contact: facts.set(.contact, text[value])
        case .userAgent: facts.set(.userAgent, text[value])
        case .callID: facts.set(.callID, text[value])
        case .cseq: facts.cseq = facts.cseq ?? text[value].leadingInteger
        case .maxForwards: facts.maxForwards = facts.maxForwards ?? text[value].leadingInteger
        case .authorization:
            let credentials = Credentials(value, in: text)
            facts.set(.authUser, credentials.username)
            facts.set(.authRealm, credentials.realm)
        }
    }

    /// `SIP/2.0/UDP host:port;branch=...` (RFC 3261 section 20.42); of several in one header the topmost.
    private static func readVia(_ value: MessageText.Part, _ text: MessageText, into facts: inout RequestFacts) {
        guard !facts[.viaHost].isKnown, !facts[.viaBranch].isKnown else { return }
        let end = text.first(0x3B, or: 0x2C, in: value)
        var host = text.trimmed(MessageText.Part(value.start, end))
        while case let space = text.first(in: host, { $0.isSpace }), space < host.end { host.start = space + 1 }
        facts.set(.viaHost, text.host(host))
        guard end < value.end, text[end] == 0x3B else { return }
        let parameters = MessageText.Part(end, text.first(0x2C, in: MessageText.Part(end, value.end)))
        facts.set(.viaBranch, text.parameter("branch", in: parameters))
    }

    /// The session name of an SDP body (RFC 8866 section 5.3), if the message carries one.
    private static func readBody(_ body: MessageText.Part, _ text: MessageText, into facts: inout RequestFacts) {
        var body = body
        while !body.isEmpty {
            let line = MessageText.Part(body.start, text.first(0x0A, in: body))
            if line.end - line.start > 2, text[line.start] == 0x73, text[line.start + 1] == 0x3D {
                facts.set(.sdpSession, text[text.trimmed(MessageText.Part(line.start + 2, line.end))])
                return
            }
            body.start = line.end + 1
        }
    }
}

/// The headers that hold facts.
private enum Header {
    case from, to, via, contact, userAgent, callID, cseq, maxForwards, authorization

    /// With which of their names a line begins, as far as its letters tell: a colon must follow. The first letter leaves one to
    /// be compared, or three.
    @inline(__always)
    static func named(_ line: MessageText.Part, _ text: MessageText) -> (Header, length: Int)? {
        switch text[line.start] | 0x20 {
        case 0x66: return (.from, text.begins(line, "from") ? 4 : 1)
        case 0x74: return (.to, text.begins(line, "to") ? 2 : 1)
        case 0x76: return (.via, text.begins(line, "via") ? 3 : 1)
        case 0x6D: return text.begins(line, "max-forwards") ? (.maxForwards, 12) : (.contact, 1)
        case 0x69: return (.callID, 1)
        case 0x75: return text.begins(line, "user-agent") ? (.userAgent, 10) : nil
        case 0x61: return text.begins(line, "authorization") ? (.authorization, 13) : nil
        case 0x70: return text.begins(line, "proxy-authorization") ? (.authorization, 19) : nil
        case 0x63:
            if text.begins(line, "cseq") { return (.cseq, 4) }
            if text.begins(line, "call-id") { return (.callID, 7) }
            return text.begins(line, "contact") ? (.contact, 7) : nil
        default: return nil
        }
    }
}

/// Splits a message into its start line and headers; a line that begins with white space belongs to the one before.
private struct HeaderLines {
    private let text: MessageText
    private var lineFeeds: LineFeeds
    /// Where the next line begins, or what follows the blank line.
    private(set) var place = 0

    init(_ text: MessageText, _ lineFeeds: LineFeeds) { (self.text, self.lineFeeds) = (text, lineFeeds) }

    @inline(__always)
    mutating func next() -> MessageText.Part? {
        guard place < text.count else { return nil }
        var line = MessageText.Part(place, text.count)
        repeat {
            line.end = lineFeeds.next(from: place, in: text)
            place = min(line.end &+ 1, text.count)
        } while place < text.count && isFolded && !isBlank(line)
        if line.start < line.end, text[line.end &- 1] == 0x0D { line.end &-= 1 }
        return line.isEmpty ? nil : line
    }

    @inline(__always)
    private var isFolded: Bool { text[place] == 0x20 || text[place] == 0x09 }

    private func isBlank(_ line: MessageText.Part) -> Bool {
        line.isEmpty || line.end - line.start == 1 && text[line.start] == 0x0D
    }
}

/// Where the first lines of a message end, for who has seen it already; the others are looked for.
public struct LineFeeds {
    private let places: UnsafeBufferPointer<UInt32>
    private var index = 0

    /// Nobody has seen it.
    public init() { self.init(UnsafeBufferPointer(start: nil, count: 0)) }

    /// - Parameter places: of all line feeds up to the last of these, in order.
    public init(_ places: UnsafeBufferPointer<UInt32>) { self.places = places }

    /// The first line feed from `place` on, or the message's end.
    @inline(__always)
    mutating func next(from place: Int, in text: MessageText) -> Int {
        guard index < places.count else { return text.first(0x0A, in: MessageText.Part(place, text.count)) }
        defer { index &+= 1 }
        let feed = Int(places[index])
        precondition(feed >= place && feed < text.count)
        return feed
    }
}

extension RequestFacts {
    /// Takes over a fact unless it is known already: the first header counts, and a fact given singly wins.
    @inline(__always)
    mutating func set(_ field: Field, _ value: Bytes) {
        if !self[field].isKnown, value.isKnown { self[field] = value }
    }
}

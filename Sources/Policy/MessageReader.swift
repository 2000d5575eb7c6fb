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
        guard let start = lines.start() else { return }
        readStartLine(start, text, into: &facts)
        while let line = lines.next() {
            if Header.mayBegin(with: text[line.start]) { readHeader(line, text, into: &facts) }
        }
        readBody(MessageText.Part(lines.place, text.count), text, into: &facts)
    }

    @inline(__always)
    private static func readHeader(_ line: MessageText.Part, _ text: MessageText, into facts: inout RequestFacts) {
        var rest = line
        text.skipSpace(&rest)
        guard !rest.isEmpty, let (header, length) = Header.named(rest, text) else { return }
        rest.start &+= length
        text.skipSpace(&rest)
        guard text.take(0x3A, &rest) else { return }
        // As nearly everybody writes it.
        _ = text.take(0x20, &rest)
        read(header, text.trimmed(rest), text, into: &facts)
    }

    @inline(never)
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
        case .from: NameAddress.read(value, in: text, as: .from, into: &facts)
        case .to: NameAddress.read(value, in: text, as: .to, into: &facts)
        case .via: readVia(value, text, into: &facts)
        case .contact: facts.set(.contact, text[value])
        case .userAgent: facts.set(.userAgent, text[value])
        case .callID: facts.set(.callID, text[value])
        case .cseq: facts.cseq = facts.cseq ?? text[value].leadingInteger
        case .maxForwards: facts.maxForwards = facts.maxForwards ?? text[value].leadingInteger
        case .authorization: Credentials.read(value, in: text, into: &facts)
        }
    }

    /// `SIP/2.0/UDP host:port;branch=...` (RFC 3261 section 20.42); of several in one header the topmost.
    @inline(never)
    private static func readVia(_ value: MessageText.Part, _ text: MessageText, into facts: inout RequestFacts) {
        guard !facts[.viaHost].isKnown, !facts[.viaBranch].isKnown else { return }
        let end = readUsualVia(value, text, into: &facts) ?? readAnyVia(value, text, into: &facts)
        guard end < value.end, text[end] == 0x3B else { return }
        let parameters = MessageText.Part(end, text.first(0x2C, in: MessageText.Part(end, value.end)))
        facts.set(.viaBranch, text.parameter(";branch=", in: parameters))
    }

    /// As nearly everybody writes it, from the left to the right, up to where the parameters begin: there is one space, and behind
    /// it the host, perhaps with a port. nil, with nothing taken over, where there is anything else.
    @inline(__always)
    private static func readUsualVia(
        _ value: MessageText.Part, _ text: MessageText, into facts: inout RequestFacts
    ) -> Int? {
        let space = text.first(in: value) { $0.endsPort }
        guard space < value.end, text[space].isSpace else { return nil }
        let host = space &+ 1
        let hostEnd = text.first(in: MessageText.Part(host, value.end)) { $0.endsHost .| $0.endsPort }
        guard hostEnd > host, hostEnd < value.end, text[host] != 0x5B else { return nil }
        var end = hostEnd
        if text[end] == 0x3A { end = text.first(in: MessageText.Part(end, value.end)) { $0.endsPort } }
        guard end < value.end, text[end] == 0x3B else { return nil }
        facts.set(.viaHost, text[MessageText.Part(host, hostEnd)])
        return end
    }

    /// The same for every other value.
    @inline(never)
    private static func readAnyVia(
        _ value: MessageText.Part, _ text: MessageText, into facts: inout RequestFacts
    ) -> Int {
        let end = text.first(0x3B, or: 0x2C, in: value)
        var host = text.trimmed(MessageText.Part(value.start, end))
        while case let space = text.first(in: host, { $0.isSpace }), space < host.end { host.start = space + 1 }
        facts.set(.viaHost, text.host(host))
        return end
    }

    /// The session name of an SDP body (RFC 8866 section 5.3), if the message carries one.
    @inline(never)
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

    /// Whether a header that holds facts may have a name that begins with this byte: by its last five bits, in which the cases of a
    /// letter do not differ.
    @inline(__always)
    static func mayBegin(with byte: UInt8) -> Bool { letters >> UInt32(byte & 31) & 1 != 0 }

    /// a, c, f, i, m, p, t, u and v; a carriage return is there with m.
    private static var letters: UInt32 { 0x0071_224A }

    /// With which of their names a line begins, as far as its letters tell: a colon must follow. The first letter leaves one to
    /// be compared, or three.
    @inline(__always)
    static func named(_ line: MessageText.Part, _ text: MessageText) -> (Header, length: Int)? {
        let start = text.four(at: line.start)
        switch UInt8(truncatingIfNeeded: start) {
        case 0x66: return (.from, start == four("from") ? 4 : 1)
        case 0x74: return (.to, start << 16 == four("..to") & 0xFFFF_0000 ? 2 : 1)
        case 0x76: return (.via, start << 8 == four(".via") & 0xFFFF_FF00 ? 3 : 1)
        case 0x6D:
            return start == four("max-") && text.begins(line, "max-forwards") ? (.maxForwards, 12) : (.contact, 1)
        case 0x69: return (.callID, 1)
        case 0x75: return start == four("user") && text.begins(line, "user-agent") ? (.userAgent, 10) : nil
        case 0x61: return start == four("auth") && text.begins(line, "authorization") ? (.authorization, 13) : nil
        case 0x70:
            return start == four("prox") && text.begins(line, "proxy-authorization") ? (.authorization, 19) : nil
        case 0x63:
            if start == four("cseq") { return (.cseq, 4) }
            if start == four("call") { return text.begins(line, "call-id") ? (.callID, 7) : nil }
            return start == four("cont") && text.begins(line, "contact") ? (.contact, 7) : nil
        default: return nil
        }
    }

    /// A text of four bytes as one number, the first byte lowest.
    @inline(__always)
    private static func four(_ text: StaticString) -> UInt32 {
        UInt32(littleEndian: UnsafeRawPointer(text.utf8Start).loadUnaligned(as: UInt32.self))
    }
}

/// Splits a message into its start line and headers; a line that begins with white space belongs to the one before.
private struct HeaderLines {
    private let text: MessageText
    private var lineFeeds: LineFeeds
    /// Where the next line begins, or what follows the blank line.
    private(set) var place = 0

    init(_ text: MessageText, _ lineFeeds: LineFeeds) { (self.text, self.lineFeeds) = (text, lineFeeds) }

    /// The start line, if there is one.
    @inline(__always)
    mutating func start() -> MessageText.Part? {
        let start: MessageText.Part?
        (self, start) = afterStart
        return start
    }

    /// What follows, and the start line.
    private var afterStart: (HeaderLines, MessageText.Part?) {
        @inline(never) get {
            var rest = self
            let start = rest.next()
            return (rest, start)
        }
    }

    @inline(__always)
    mutating func next() -> MessageText.Part? {
        guard place < text.count else { return nil }
        var line = MessageText.Part(place, place)
        (line.end, place) = lineFeeds.next(from: place, in: text)
        if place < text.count, isFolded { (self, line) = unfolded(line) }
        if line.start < line.end, text[line.end &- 1] == 0x0D { line.end &-= 1 }
        return line.isEmpty ? nil : line
    }

    @inline(__always)
    private var isFolded: Bool { text[place] == 0x20 || text[place] == 0x09 }

    /// The line with those that belong to it, and what follows. By its own value, so that the usual way has it in registers.
    @inline(never)
    private func unfolded(_ line: MessageText.Part) -> (HeaderLines, MessageText.Part) {
        var (rest, line) = (self, line)
        while rest.place < text.count, rest.isFolded, !isBlank(line) {
            (line.end, rest.place) = rest.lineFeeds.next(from: rest.place, in: text)
        }
        return (rest, line)
    }

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

    /// The first line feed from `place` on, or the message's end, and where the next line begins.
    @inline(__always)
    mutating func next(from place: Int, in text: MessageText) -> (end: Int, next: Int) {
        guard index < places.count else { return Self.search(from: place, in: text) }
        defer { index &+= 1 }
        let feed = Int(places[index])
        precondition(feed >= place && feed < text.count)
        return (feed, feed &+ 1)
    }

    @inline(never)
    private static func search(from place: Int, in text: MessageText) -> (end: Int, next: Int) {
        let feed = text.first(0x0A, in: MessageText.Part(place, text.count))
        return (feed, min(feed + 1, text.count))
    }
}

extension RequestFacts {
    /// Takes over a fact unless it is known already: the first header counts, and a fact given singly wins.
    @inline(__always)
    mutating func set(_ field: Field, _ value: Bytes) {
        if !self[field].isKnown, value.isKnown { self[field] = value }
    }
}

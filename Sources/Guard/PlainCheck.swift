import JSON
import Policy

/// A `guard.check` that was written plainly, as clients write it that ask often; everything else is for the parser.
///
/// It says the same as the ordinary way or nothing at all: what is unusual, doubtful or wrong is not understood here, so
/// that there is one place that refuses. Members may stand in any order.
package enum PlainCheck {
    /// How much memory a line needs besides itself.
    package static func memory(for line: UnsafeRawBufferPointer) -> Int { PlainScanner.memory(for: line) }

    /// The request's id as it stands, and its facts; nil, with anything in `facts`, where it was not understood.
    ///
    /// - Parameter memory: as much as `memory(for:)` says; the facts point into it or into the line.
    package static func read(
        _ line: UnsafeRawBufferPointer, memory: UnsafeMutableRawPointer, names: PlainNames,
        into facts: inout RequestFacts
    ) -> UnsafeRawBufferPointer? {
        guard var scanner = PlainScanner(line, memory: memory) else { return nil }
        let id: UnsafeRawBufferPointer?
        if let usual = usualBeginning(&scanner) {
            id = PlainParams.read(&scanner, names, &facts) && scanner.take("}") ? usual : nil
        } else {
            scanner.position = 0
            id = call(&scanner, names, &facts)
        }
        return scanner.isAtEnd ? id : nil
    }

    /// The members up to the params in the order in which most clients write them, ours among them; the id.
    @inline(__always)
    private static func usualBeginning(_ scanner: inout PlainScanner) -> UnsafeRawBufferPointer? {
        guard scanner.take(#"{"jsonrpc":"2.0","id":"#), let id = requestID(&scanner),
            scanner.take(#","method":"guard.check","params":"#)
        else { return nil }
        return id
    }

    /// The members in any order.
    @inline(never)
    private static func call(
        _ scanner: inout PlainScanner, _ names: PlainNames, _ facts: inout RequestFacts
    ) -> UnsafeRawBufferPointer? {
        var id: UnsafeRawBufferPointer?
        /// Which of the four members stood there, as bits.
        var seen: UInt8 = 0
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        repeat {
            guard let key = scanner.key() else { return nil }
            let bit: UInt8
            switch key {
            case names.version:
                guard scanner.take(#""2.0""#) else { return nil }
                bit = 1
            case names.method:
                guard scanner.take(#""guard.check""#) else { return nil }
                bit = 2
            case names.id:
                id = requestID(&scanner)
                bit = 4
            case names.params:
                guard PlainParams.read(&scanner, names, &facts) else { return nil }
                bit = 8
            default: return nil
            }
            guard seen & bit == 0 else { return nil }
            seen |= bit
        } while scanner.take(UInt8(ascii: ","))
        return scanner.take(UInt8(ascii: "}")) && seen == 15 ? id : nil
    }

    /// A number of at most eighteen digits, or a string without escapes: those are given back as they came.
    private static func requestID(_ scanner: inout PlainScanner) -> UnsafeRawBufferPointer? {
        let start = scanner.position
        if scanner.next == UInt8(ascii: "\"") {
            guard let value = scanner.string(), scanner.position - start == value.count + 2 else { return nil }
        } else {
            guard scanner.skipNumber() else { return nil }
        }
        return scanner.text(from: start)
    }
}

/// The names of a request's members, made once for each connection: where every request looks, nothing is made lazily.
package struct PlainNames {
    fileprivate let version = PlainName("jsonrpc")
    fileprivate let id = PlainName("id")
    fileprivate let method = PlainName("method")
    fileprivate let params = PlainName("params")

    /// Places of the params' names: each stands at its hash or in the places behind it.
    private let places: UnsafeMutablePointer<Place>
    private static let count = 64

    /// A name and what it says; no bit where there is none.
    fileprivate struct Place {
        var name = PlainName("")
        /// One for each name.
        var bit: UInt32 = 0
        var member = PlainParams.Member.other(.message)
    }

    package init() {
        places = .allocate(capacity: Self.count)
        places.initialize(repeating: Place(), count: Self.count)
        for (field, name) in RequestParams.names { add(PlainName(name), .text(field), field.rawValue) }
        for (index, other) in PlainParams.Other.allCases.enumerated() {
            add(PlainName(other.name), .other(other), RequestParams.names.count + index)
        }
    }

    /// Frees its memory; nobody else does.
    package func deallocate() { places.deallocate() }

    private func add(_ name: PlainName, _ member: PlainParams.Member, _ index: Int) {
        var place = Self.place(of: name)
        while places[place].bit != 0 { place = (place + 1) % Self.count }
        places[place] = Place(name: name, bit: 1 << UInt32(index), member: member)
    }

    /// No two of today's names have the same.
    @inline(__always)
    private static func place(of name: PlainName) -> Int {
        Int(truncatingIfNeeded: ((name.low ^ name.high) &* 0xF76E_74D7_F2D3_83DB) >> 58)
    }

    @inline(__always)
    fileprivate func find(_ name: PlainName) -> UnsafePointer<Place>? {
        var place = Self.place(of: name)
        while places[place].name != name {
            guard places[place].bit != 0 else { return nil }
            place = (place &+ 1) & (Self.count - 1)
        }
        // The empty name is that of places without one.
        return places[place].bit != 0 ? UnsafePointer(places + place) : nil
    }
}

/// The params of a plain `guard.check`.
private enum PlainParams {
    enum Member {
        case text(Field)
        case other(Other)
    }

    /// Members besides the textual facts.
    enum Other: CaseIterable {
        case sourceIP, message, transport, sourcePort, localPort, length, cseq, maxForwards, count, localIP

        var name: StaticString {
            switch self {
            case .sourceIP: "source_ip"
            case .message: "message"
            case .transport: "transport"
            case .sourcePort: "source_port"
            case .localPort: "local_port"
            case .length: "length"
            case .cseq: "cseq"
            case .maxForwards: "max_forwards"
            case .count: "count"
            case .localIP: "local_ip"
            }
        }
    }

    /// A message whose lines have been seen.
    struct Message {
        var text = Bytes.unknown
        var lineFeeds = UnsafeBufferPointer<UInt32>(start: nil, count: 0)
    }

    /// False where anything is unusual.
    static func read(_ scanner: inout PlainScanner, _ names: PlainNames, _ facts: inout RequestFacts) -> Bool {
        var message = Message()
        var seen: UInt32 = 0
        var hasSource = false
        guard scanner.take(UInt8(ascii: "{")) else { return false }
        repeat {
            guard let key = scanner.key(), let place = names.find(key), seen & place.pointee.bit == 0 else {
                return false
            }
            seen |= place.pointee.bit
            switch place.pointee.member {
            case .text(let field):
                guard let value = scanner.string() else { return false }
                facts[field] = value
            case .other(let other):
                guard read(other, &scanner, &facts, &message) else { return false }
                if other == .sourceIP { hasSource = true }
            }
        } while scanner.take(UInt8(ascii: ","))
        guard scanner.take(UInt8(ascii: "}")), hasSource, facts[.method].isKnown || message.text.isKnown else {
            return false
        }
        MessageReader.read(message.text, lineFeeds: LineFeeds(message.lineFeeds), into: &facts)
        return true
    }

    /// False where the value is unusual.
    @inline(__always)
    private static func read(
        _ other: Other, _ scanner: inout PlainScanner, _ facts: inout RequestFacts, _ message: inout Message
    ) -> Bool {
        switch other {
        case .sourceIP:
            guard let value = scanner.string(), let source = IPAddress(bytes: value) else { return false }
            facts.source = source
        case .message:
            guard let text = scanner.message(lineFeeds: &message.lineFeeds) else { return false }
            message.text = text
        case .transport:
            facts.transport = scanner.string().flatMap(RequestParams.transport(named:))
            return facts.transport != nil
        case .localIP: return scanner.string() != nil
        case .sourcePort, .localPort, .length: return scanner.skipNumber()
        case .cseq: return scanner.number().map { facts.cseq = $0 } != nil
        case .maxForwards: return scanner.number().map { facts.maxForwards = $0 } != nil
        case .count:
            guard let count = scanner.number(), (1...1_000_000).contains(count) else { return false }
            facts.count = count
        }
        return true
    }
}

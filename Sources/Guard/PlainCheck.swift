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
    /// - Parameters:
    ///   - memory: as much as `memory(for:)` says; the facts point into it or into the line.
    ///   - decider: who will decide, and is told early of whom.
    package static func read(
        _ line: UnsafeRawBufferPointer, memory: UnsafeMutableRawPointer, names: PlainNames, for decider: Decider? = nil,
        into facts: inout RequestFacts
    ) -> UnsafeRawBufferPointer? {
        guard var scanner = PlainScanner(line, memory: memory) else { return nil }
        guard let id = usualBeginning(&scanner) else { return call(line, memory, names, &facts) }
        guard PlainParams.read(&scanner, names, decider, &facts), scanner.take("}"), scanner.isAtEnd else { return nil }
        return id
    }

    /// The members up to the params in the order in which most clients write them, ours among them; the id.
    @inline(__always)
    private static func usualBeginning(_ scanner: inout PlainScanner) -> UnsafeRawBufferPointer? {
        guard scanner.take(#"{"jsonrpc":"2.0","id":"#), let id = requestID(&scanner),
            scanner.take(#","method":"guard.check","params":"#)
        else { return nil }
        return id
    }

    /// The members in any order; from the beginning, since what was read before has taken up memory.
    @inline(never)
    private static func call(
        _ line: UnsafeRawBufferPointer, _ memory: UnsafeMutableRawPointer, _ names: PlainNames,
        _ facts: inout RequestFacts
    ) -> UnsafeRawBufferPointer? {
        guard var scanner = PlainScanner(line, memory: memory) else { return nil }
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
                guard PlainParams.read(&scanner, names, nil, &facts) else { return nil }
                bit = 8
            default: return nil
            }
            guard seen & bit == 0 else { return nil }
            seen |= bit
        } while scanner.take(UInt8(ascii: ","))
        return scanner.take(UInt8(ascii: "}")) && seen == 15 && scanner.isAtEnd ? id : nil
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
///
/// It is that connection's memory too: who asks writes the same members in the same order each time, so that the one that stood
/// behind another the last time is looked for first.
package struct PlainNames {
    fileprivate let version = PlainName("jsonrpc")
    fileprivate let id = PlainName("id")
    fileprivate let method = PlainName("method")
    fileprivate let params = PlainName("params")

    /// Places of the params' names: each stands at its hash or in the places behind it. The last is that of no name, before them all.
    private let places: UnsafeMutablePointer<Place>
    private static let count = 64

    /// A name and what it says; no bit where there is none.
    fileprivate struct Place {
        var name = PlainName("")
        var written = PlainMember("")
        /// One for each name.
        var bit: UInt32 = 0
        var member = Member.message
        /// The place of a name that may come next.
        var follower: UnsafeMutablePointer<Place>
    }

    fileprivate enum Member {
        case text(Field)
        case sourceIP, transport, message, cseq, maxForwards, count
        /// What no rule looks at.
        case otherText, otherNumber
    }

    private static let others: [(StaticString, Member)] = [
        ("source_ip", .sourceIP), ("transport", .transport), ("message", .message), ("cseq", .cseq),
        ("max_forwards", .maxForwards), ("count", .count), ("local_ip", .otherText), ("source_port", .otherNumber),
        ("local_port", .otherNumber), ("length", .otherNumber),
    ]

    package init() {
        places = .allocate(capacity: Self.count + 1)
        // Whichever it is at first, it is a name's.
        let follower = places + Self.place(of: PlainName("source_ip"))
        places.initialize(repeating: Place(follower: follower), count: Self.count + 1)
        let texts = RequestParams.names.map { ($0.1, Member.text($0.0)) }
        for (index, (name, member)) in (Self.others + texts).enumerated() { add(name, member, bit: 1 << UInt32(index)) }
    }

    /// Frees its memory; nobody else does.
    package func deallocate() { places.deallocate() }

    private func add(_ name: StaticString, _ member: Member, bit: UInt32) {
        var place = Self.place(of: PlainName(name))
        while places[place].bit != 0 { place = (place + 1) % Self.count }
        let follower = places[place].follower
        places[place] = Place(
            name: PlainName(name), written: PlainMember(name), bit: bit, member: member, follower: follower)
    }

    /// No two of today's names have the same.
    @inline(__always)
    private static func place(of name: PlainName) -> Int {
        Int(truncatingIfNeeded: ((name.low ^ name.high) &* 0xF76E_74D7_F2D3_83DB) >> 58)
    }

    private func find(_ name: PlainName) -> UnsafeMutablePointer<Place>? {
        var place = Self.place(of: name)
        while places[place].name != name {
            guard places[place].bit != 0 else { return nil }
            place = (place &+ 1) & (Self.count - 1)
        }
        // The empty name is that of places without one.
        return places[place].bit != 0 ? places + place : nil
    }

    fileprivate var beginning: UnsafeMutablePointer<Place> { places + Self.count }

    /// Takes the bracket that begins an object, and the first name in it.
    @inline(__always)
    fileprivate func first(_ scanner: inout PlainScanner) -> UnsafeMutablePointer<Place>? {
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        let follower = beginning.pointee.follower
        if scanner.takeFirst(follower.pointee.written) { return follower }
        return other(behind: beginning, &scanner)
    }

    /// Takes a comma and the name that stands behind another one; nil, with nothing taken, where there is none.
    @inline(__always)
    fileprivate func next(
        behind last: UnsafeMutablePointer<Place>, _ scanner: inout PlainScanner
    ) -> UnsafeMutablePointer<Place>? {
        let follower = last.pointee.follower
        if scanner.take(follower.pointee.written) { return follower }
        var rest = scanner
        guard rest.take(UInt8(ascii: ",")), let found = other(behind: last, &rest) else { return nil }
        scanner = rest
        return found
    }

    /// A name that did not stand there the last time.
    @inline(__always)
    private func other(
        behind last: UnsafeMutablePointer<Place>, _ scanner: inout PlainScanner
    ) -> UnsafeMutablePointer<Place>? {
        guard let found = scanner.key().flatMap(find) else { return nil }
        last.pointee.follower = found
        return found
    }
}

/// The params of a plain `guard.check`.
private enum PlainParams {
    /// False where anything is unusual.
    static func read(
        _ outer: inout PlainScanner, _ names: PlainNames, _ decider: Decider?, _ facts: inout RequestFacts
    ) -> Bool {
        // A value of its own is held in registers.
        var scanner = outer
        var (message, lineFeeds) = (Bytes.unknown, UnsafeBufferPointer<UInt32>(start: nil, count: 0))
        var seen: UInt32 = 0
        var hasSource = false
        var next = names.first(&scanner)
        while let place = next {
            guard seen & place.pointee.bit == 0 else { return false }
            seen |= place.pointee.bit
            switch place.pointee.member {
            case .text(let field):
                guard let value = scanner.string() else { return false }
                facts[field] = value
            case .otherNumber:
                guard scanner.skipNumber() else { return false }
            case .otherText:
                guard scanner.string() != nil else { return false }
            case .sourceIP:
                guard let value = scanner.string(), let source = IPAddress(bytes: value) else { return false }
                facts.source = source
                hasSource = true
                decider?.expect(source)
            case .message:
                guard let value = scanner.message(lineFeeds: &lineFeeds) else { return false }
                message = value
            case .transport:
                guard let value = scanner.string(), let transport = RequestParams.transport(named: value) else {
                    return false
                }
                facts.transport = transport
            case .cseq:
                guard let number = scanner.number() else { return false }
                facts.cseq = number
            case .maxForwards:
                guard let number = scanner.number() else { return false }
                facts.maxForwards = number
            case .count:
                guard let number = scanner.number(), (1...1_000_000).contains(number) else { return false }
                facts.count = number
            }
            next = names.next(behind: place, &scanner)
        }
        guard scanner.take(UInt8(ascii: "}")), hasSource, facts[.method].isKnown || message.isKnown else {
            return false
        }
        outer = scanner
        decider?.expectRecord()
        MessageReader.read(message, lineFeeds: LineFeeds(lineFeeds), into: &facts)
        return true
    }
}

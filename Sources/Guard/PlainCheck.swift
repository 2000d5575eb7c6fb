import JSON
import Policy

/// A `guard.check` that was written plainly, as clients write it that ask often; everything else is for the parser.
///
/// It says the same as the ordinary way or nothing at all: what is unusual, doubtful or wrong is not understood here, so
/// that there is one place that refuses. Members may stand in any order.
package enum PlainCheck {
    /// The request's id as it stands, and its facts; nil, with anything in `facts`, where it was not understood.
    ///
    /// - Parameter scratch: memory for sixteen bytes more than the line has; the facts point into it or into the line.
    package static func read(
        _ line: UnsafeRawBufferPointer, scratch: UnsafeMutablePointer<UInt8>, names: PlainNames,
        into facts: inout RequestFacts
    ) -> UnsafeRawBufferPointer? {
        guard var scanner = PlainScanner(line, scratch: scratch),
            let id = call(&scanner, names, &facts), scanner.isAtEnd
        else { return nil }
        return id
    }

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
                guard scanner.string()?.equals(lowercase: "2.0") == true else { return nil }
                bit = 1
            case names.method:
                guard let name = scanner.string(), isCheck(name) else { return nil }
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

    private static func isCheck(_ name: Bytes) -> Bool {
        let check: StaticString = "guard.check"
        return check.withUTF8Buffer { name.sameBytes(as: $0) }
    }

    /// A number of at most eighteen digits, or a string without escapes: those are given back as they came.
    private static func requestID(_ scanner: inout PlainScanner) -> UnsafeRawBufferPointer? {
        let start = scanner.position
        if scanner.next == UInt8(ascii: "\"") {
            guard let value = scanner.string(), scanner.position - start == value.count + 2 else { return nil }
        } else {
            guard scanner.number() != nil else { return nil }
        }
        return scanner.text(from: start)
    }
}

/// The names of a request's members as numbers, made once for each connection: where every request looks, nothing is made
/// lazily.
package struct PlainNames {
    fileprivate let version = UInt128(name: "jsonrpc")
    fileprivate let id = UInt128(name: "id")
    fileprivate let method = UInt128(name: "method")
    fileprivate let params = UInt128(name: "params")

    /// Places of the params' names: each stands at its hash or in the places behind it.
    private let places: UnsafeMutablePointer<Place>
    private static let count = 64

    private struct Place {
        var name: UInt128 = 0
        /// Textual facts as `Field` numbers them, then `Member`.
        var index = -1
    }

    package init() {
        places = .allocate(capacity: Self.count)
        places.initialize(repeating: Place(), count: Self.count)
        for (field, name) in RequestParams.names { add(UInt128(name: name), field.rawValue) }
        for member in PlainParams.Member.allCases { add(UInt128(name: member.name), member.rawValue) }
    }

    /// Frees its memory; nobody else does.
    package func deallocate() { places.deallocate() }

    private func add(_ name: UInt128, _ index: Int) {
        var place = Self.place(of: name)
        while places[place].index >= 0 { place = (place + 1) % Self.count }
        places[place] = Place(name: name, index: index)
    }

    @inline(__always)
    private static func place(of name: UInt128) -> Int {
        let mixed = UInt64(truncatingIfNeeded: name) ^ UInt64(truncatingIfNeeded: name >> 64)
        return Int((mixed &* 0x9E37_79B9_7F4A_7C15) >> 58)
    }

    @inline(__always)
    fileprivate func index(of name: UInt128) -> Int? {
        var place = Self.place(of: name)
        while places[place].index >= 0 {
            if places[place].name == name { return places[place].index }
            place = (place + 1) & (Self.count - 1)
        }
        return nil
    }
}

/// The params of a plain `guard.check`.
private enum PlainParams {
    /// Members besides the textual facts.
    enum Member: Int, CaseIterable {
        case sourceIP = 19
        case message, transport, sourcePort, localPort, length, cseq, maxForwards, count, localIP

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

    /// False where anything is unusual.
    static func read(_ scanner: inout PlainScanner, _ names: PlainNames, _ facts: inout RequestFacts) -> Bool {
        var message = Bytes.unknown
        var seen: UInt32 = 0
        guard scanner.take(UInt8(ascii: "{")) else { return false }
        repeat {
            guard let key = scanner.key(), let index = names.index(of: key) else { return false }
            guard seen & 1 << UInt32(index) == 0 else { return false }
            seen |= 1 << UInt32(index)
            if let field = Field(rawValue: index) {
                guard let value = scanner.string() else { return false }
                facts[field] = value
            } else {
                guard let member = Member(rawValue: index), read(member, &scanner, &facts, &message) else {
                    return false
                }
            }
        } while scanner.take(UInt8(ascii: ","))
        let hasSource = seen & 1 << UInt32(Member.sourceIP.rawValue) != 0
        guard scanner.take(UInt8(ascii: "}")), hasSource, facts[.method].isKnown || message.isKnown else {
            return false
        }
        if message.isKnown { MessageReader.read(message, into: &facts) }
        return true
    }

    /// False where the value is unusual.
    private static func read(
        _ member: Member, _ scanner: inout PlainScanner, _ facts: inout RequestFacts, _ message: inout Bytes
    ) -> Bool {
        switch member {
        case .sourceIP:
            guard let value = scanner.string(), let source = IPAddress(bytes: value) else { return false }
            facts.source = source
        case .message:
            guard let value = scanner.string() else { return false }
            message = value
        case .transport:
            facts.transport = scanner.string().flatMap(RequestParams.transport(named:))
            return facts.transport != nil
        case .localIP: return scanner.string() != nil
        case .sourcePort, .localPort, .length: return scanner.number() != nil
        case .cseq: return scanner.number().map { facts.cseq = $0 } != nil
        case .maxForwards: return scanner.number().map { facts.maxForwards = $0 } != nil
        case .count:
            guard let count = scanner.number(), (1...1_000_000).contains(count) else { return false }
            facts.count = count
        }
        return true
    }
}

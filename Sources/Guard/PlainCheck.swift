import JSON
import Policy

/// A `guard.check` that was written plainly, as clients write it that ask often; everything else is for the parser.
///
/// It says the same as the ordinary way or nothing at all: what is unusual, doubtful or wrong is not understood here, so
/// that there is one place that refuses. Members may stand in any order.
struct PlainCheck {
    /// As it stands in the request.
    private(set) var id: UnsafeRawBufferPointer
    private(set) var facts: RequestFacts

    /// - Parameter scratch: memory for as many bytes as the line has; the facts point into it or into the line.
    init?(_ line: UnsafeRawBufferPointer, scratch: UnsafeMutablePointer<UInt8>) {
        guard var scanner = PlainScanner(line, scratch: scratch), let call = Self.call(&scanner), scanner.isAtEnd,
            let id = call.id, let facts = call.params?.facts, call.seen == 15
        else { return nil }
        (self.id, self.facts) = (id, facts)
    }

    private struct Call {
        var id: UnsafeRawBufferPointer?
        var params: PlainParams?
        /// Which of the four members stood there, as bits.
        var seen: UInt8 = 0
    }

    private static let version = UInt128(name: "jsonrpc")
    private static let id = UInt128(name: "id")
    private static let method = UInt128(name: "method")
    private static let params = UInt128(name: "params")

    private static func call(_ scanner: inout PlainScanner) -> Call? {
        var call = Call()
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        repeat {
            guard let key = scanner.key() else { return nil }
            let bit: UInt8
            switch key {
            case version:
                guard scanner.string()?.equals(lowercase: "2.0") == true else { return nil }
                bit = 1
            case method:
                guard let name = scanner.string(), isCheck(name) else { return nil }
                bit = 2
            case id:
                call.id = requestID(&scanner)
                bit = 4
            case params:
                call.params = PlainParams(&scanner)
                guard call.params != nil else { return nil }
                bit = 8
            default: return nil
            }
            guard call.seen & bit == 0 else { return nil }
            call.seen |= bit
        } while scanner.take(UInt8(ascii: ","))
        return scanner.take(UInt8(ascii: "}")) ? call : nil
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

/// The params of a plain `guard.check`.
private struct PlainParams {
    private(set) var facts: RequestFacts

    /// Members besides the textual facts.
    private enum Member: Int, CaseIterable {
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

    /// Names by their place: the textual facts as `Field` numbers them, and then `Member`.
    private static let names: [UInt128] =
        RequestParams.names.sorted { $0.0.rawValue < $1.0.rawValue }.map { UInt128(name: $0.1) }
        + Member.allCases.map { UInt128(name: $0.name) }

    /// Nil where anything is unusual.
    init?(_ scanner: inout PlainScanner) {
        facts = RequestFacts(source: IPAddress(v4: 0))
        var message = Bytes.unknown
        var seen: UInt32 = 0
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        repeat {
            guard let key = scanner.key(), let index = Self.index(of: key) else { return nil }
            guard seen & 1 << UInt32(index) == 0 else { return nil }
            seen |= 1 << UInt32(index)
            if let field = Field(rawValue: index) {
                guard let value = scanner.string() else { return nil }
                facts[field] = value
            } else {
                guard let member = Member(rawValue: index), read(member, &scanner, &message) else { return nil }
            }
        } while scanner.take(UInt8(ascii: ","))
        let hasSource = seen & 1 << UInt32(Member.sourceIP.rawValue) != 0
        guard scanner.take(UInt8(ascii: "}")), hasSource, facts[.method].isKnown || message.isKnown else { return nil }
        if message.isKnown { MessageReader.read(message, into: &facts) }
    }

    private static func index(of key: UInt128) -> Int? {
        names.withUnsafeBufferPointer { names in
            for index in 0..<names.count where names[index] == key { return index }
            return nil
        }
    }

    /// False where the value is unusual.
    private mutating func read(_ member: Member, _ scanner: inout PlainScanner, _ message: inout Bytes) -> Bool {
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

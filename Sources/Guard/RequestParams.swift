import JSON
import Policy
import RPC

/// Reads the params of `guard.check`, `guard.report` and `policy.test` into facts, which stay views into the document.
package enum RequestParams {
    package static func facts(_ params: JSONView?) throws(RPCError) -> RequestFacts {
        guard let params, params.isObject else {
            throw .invalidParams("params", "an object of named parameters is needed")
        }
        var facts = RequestFacts(source: try address("source_ip", params["source_ip"]))
        facts.transport = try transport(params["transport"])
        try readTexts(params, &facts)
        facts.cseq = try integer("cseq", params["cseq"])
        facts.maxForwards = try integer("max_forwards", params["max_forwards"])
        facts.nonceIsValid = try bool("auth_nonce_valid", params["auth_nonce_valid"]) ?? false
        if let count = try integer("count", params["count"]) {
            guard (1...1_000_000).contains(count) else { throw .invalidParams("count", "1 to 1000000 is allowed") }
            facts.count = count
        }
        for name in unusedIntegers { _ = try integer(name, params[name]) }
        if let message = try bytes("message", params["message"]) { MessageReader.read(message, into: &facts) }
        return facts
    }

    /// Members that no rule looks at yet; a wrong type is a mistake of the client all the same.
    private static let unusedIntegers: [StaticString] = ["source_port", "local_port", "length"]

    private static func readTexts(_ params: JSONView, _ facts: inout RequestFacts) throws(RPCError) {
        for (field, name) in names {
            if let value = try bytes(name, params[name]) { facts[field] = value }
        }
    }

    /// `StaticString`s make look-ups free of allocations; a test compares them with `Field.name`.
    static let names: [(Field, StaticString)] = [
        (.method, "method"), (.ruri, "ruri"), (.fromUser, "from_user"), (.fromDomain, "from_domain"),
        (.fromDisplay, "from_display"), (.fromTag, "from_tag"), (.toUser, "to_user"), (.toDomain, "to_domain"),
        (.toTag, "to_tag"), (.contact, "contact"), (.userAgent, "user_agent"), (.callID, "call_id"),
        (.viaHost, "via_host"), (.viaBranch, "via_branch"), (.authUser, "auth_user"), (.authRealm, "auth_realm"),
        (.node, "node"), (.sdpSession, "sdp_session"), (.anomaly, "anomaly"),
    ]

    static func address(_ name: StaticString, _ value: JSONView?) throws(RPCError) -> IPAddress {
        guard let bytes = try bytes(name, value) else { throw .invalidParams("\(name)", "is needed") }
        guard let address = IPAddress(bytes: bytes) else {
            throw .invalidParams("\(name)", "is not an IPv4 or IPv6 address")
        }
        return address
    }

    static func bytes(_ name: StaticString, _ value: JSONView?) throws(RPCError) -> Bytes? {
        guard let value, !value.isNull else { return nil }
        guard let bytes = value.stringBytes else { throw .invalidParams("\(name)", "must be a string") }
        // An empty JSON string is known and empty: its view must not have a nil base address.
        return bytes.assumingMemoryBound(to: UInt8.self)
    }

    static func integer(_ name: StaticString, _ value: JSONView?) throws(RPCError) -> Int? {
        guard let value, !value.isNull else { return nil }
        guard let number = value.int64 else { throw .invalidParams("\(name)", "must be a whole number") }
        return Int(number)
    }

    static func bool(_ name: StaticString, _ value: JSONView?) throws(RPCError) -> Bool? {
        guard let value, !value.isNull else { return nil }
        guard let bool = value.bool else { throw .invalidParams("\(name)", "must be true or false") }
        return bool
    }

    private static func transport(_ value: JSONView?) throws(RPCError) -> Transport? {
        guard let bytes = try bytes("transport", value) else { return nil }
        if let transport = transport(named: bytes) { return transport }
        throw .invalidParams("transport", "udp, tcp, tls, ws, wss or sctp is allowed")
    }

    /// The transport of that name, in letters of either case.
    static func transport(named bytes: Bytes) -> Transport? {
        guard 2...4 ~= bytes.count else { return nil }
        // Letters only, whose cases differ in this bit, as one number.
        switch bytes.reduce(0 as UInt32, { $0 << 8 | UInt32($1 | 0x20) }) {
        case 0x75_64_70: return .udp
        case 0x74_63_70: return .tcp
        case 0x74_6C_73: return .tls
        case 0x77_73: return .ws
        case 0x77_73_73: return .wss
        case 0x73_63_74_70: return .sctp
        default: return nil
        }
    }
}

/// Reads params of the other methods, which are not hot.
struct Params {
    private let view: JSONView?

    init(_ view: JSONView?) throws(RPCError) {
        if let view, !view.isObject, !view.isNull {
            throw .invalidParams("params", "an object of named parameters is needed")
        }
        self.view = view
    }

    func view(_ name: StaticString) -> JSONView? { view?[name] }

    func string(_ name: StaticString) throws(RPCError) -> String? {
        try RequestParams.bytes(name, view?[name])?.text
    }

    func needed(_ name: StaticString) throws(RPCError) -> String {
        guard let text = try string(name) else { throw .invalidParams("\(name)", "is needed") }
        return text
    }

    func bool(_ name: StaticString) throws(RPCError) -> Bool { try RequestParams.bool(name, view?[name]) ?? false }

    func integer(_ name: StaticString, _ range: ClosedRange<Int>, default value: Int) throws(RPCError) -> Int {
        guard let number = try RequestParams.integer(name, view?[name]) else { return value }
        guard range.contains(number) else {
            throw .invalidParams("\(name)", "\(range.lowerBound) to \(range.upperBound) is allowed")
        }
        return number
    }

    func prefix(_ name: StaticString) throws(RPCError) -> Prefix {
        let text = try needed(name)
        guard let prefix = Prefix(text) else {
            throw .invalidParams("\(name)", "is not an address or prefix, such as 192.0.2.1 or 2001:db8::/32")
        }
        return prefix
    }

    /// At most 200 characters of text for people, control characters made visible.
    func comment(_ name: StaticString) throws(RPCError) -> String {
        guard let text = try string(name) else { return "" }
        guard text.utf8.count <= 200 else { throw .invalidParams("\(name)", "at most 200 bytes are allowed") }
        return text
    }

    /// Seconds, or text such as `90s` or `1h`.
    func duration(_ name: StaticString) throws(RPCError) -> Duration? {
        guard let value = view?[name], !value.isNull else { return nil }
        let seconds = value.int64.map { Int($0) } ?? value.string.flatMap(Self.seconds)
        guard let seconds, (1...315_360_000).contains(seconds) else {
            throw .invalidParams(
                "\(name)", "must be a number of seconds or a text such as 90s, 10m, 12h or 7d, ten years at most")
        }
        return .seconds(seconds)
    }

    private static func seconds(_ text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        guard let unit = text.last.flatMap({ units[$0] }), text.dropLast().utf8.allSatisfy(\.isDigit),
            let number = Int(text.dropLast())
        else { return nil }
        return number.multipliedReportingOverflow(by: unit).overflow ? nil : number * unit
    }
}

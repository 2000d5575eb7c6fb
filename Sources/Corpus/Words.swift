import Policy
import Repeatable

/// A random name in three alphabets, for user agents write their Call-IDs and tags in one or the other.
struct Identity {
    let digits: String
    let hex: String
    let alnum: String

    init(_ random: inout SeededRandom) {
        func text(_ alphabet: Template.Alphabet, _ count: Int) -> String {
            String(decoding: random.text(alphabet.bytes, count), as: UTF8.self)
        }
        digits = "1" + text(.digits, 9)
        hex = text(.hex, 32)
        alnum = text(.alnum, 22)
    }
}

/// The values that a device's messages are made of.
struct Words {
    private var values: [String: String]

    /// The values that every message may use, besides those that its actor declares.
    static let names: Set<String> = [
        "user", "source", "port", "server", "domain", "n", "cseq", "method", "ruri", "to", "to_tag", "dialled", "auth",
        "auth_header", "expires", "host", "svmap_tag", "svwar_tag", "svcrack_tag", "call_digits", "call_hex",
        "call_alnum", "tag_digits", "tag_hex", "tag_alnum", "device_digits", "device_hex", "device_alnum",
    ]

    init(place: Place, port: Int) {
        values = [
            "server": place.server, "domain": place.domain, "port": String(port), "cseq": "0", "to_tag": "",
            "svmap_target": Self.hex(place.serverAddress.value & 0xFFFF_FFFF, 8) + Self.hex(5060, 4),
        ]
    }

    /// Empty where nothing is known.
    subscript(name: String) -> String {
        get { values[name] ?? "" }
        set { values[name] = newValue }
    }

    mutating func set(_ name: String, _ identity: Identity) {
        self["\(name)_digits"] = identity.digits
        self["\(name)_hex"] = identity.hex
        self["\(name)_alnum"] = identity.alnum
    }

    func text(_ form: Template, _ random: inout SeededRandom) -> String { form.text(&random) { self[$0] } }

    func message(_ actor: Actor, _ random: inout SeededRandom) -> [UInt8] {
        actor.message?.message(&random) { self[$0] } ?? []
    }

    /// Sets what differs from one message to the next.
    mutating func prepare(
        _ actor: Actor, _ step: Step, _ credentials: Credentials, _ source: IPAddress, _ random: inout SeededRandom
    ) {
        self["source"] = source.description
        self["cseq"] = String((Int(self["cseq"]) ?? 0) + 1)
        self["method"] = step.method
        let isRegister = step.method == "REGISTER"
        let callee = self["dialled"].isEmpty ? "sip:\(self["domain"])" : "sip:\(self["dialled"])@\(self["domain"])"
        self["ruri"] = isRegister ? "sip:\(self["domain"])" : callee
        self["to"] = isRegister ? "sip:\(self["user"])@\(self["domain"])" : callee
        self["to_tag"] = step.isInDialog ? ";tag=\(self["call_hex"])" : ""
        self["expires"] = step.expires.map { "Expires: \($0)" } ?? ""
        self["auth_header"] = isRegister ? "Authorization" : "Proxy-Authorization"
        prepareTags(credentials, &random)
        self["auth"] = credentials == .none ? "" : actor.digest.map { text($0, &random) } ?? ""
    }

    /// The From tags of SIPVicious (its svhelper.py): hex of something, a byte 01 and a random number.
    private mutating func prepareTags(_ credentials: Credentials, _ random: inout SeededRandom) {
        let number = String(UInt32.random(in: 1 << 28 ... .max, using: &random))
        func tag(_ payload: String) -> String { Self.hex(payload) + "01" + Self.hex(number) }
        self["svmap_tag"] = tag(self["svmap_target"])
        self["svwar_tag"] = tag(self["user"])
        let guess = "\(self["user"]):\(Int.random(in: 100...9999, using: &random))"
        self["svcrack_tag"] = credentials == .none ? "3206210844" : tag(guess)
    }

    private static func hex(_ text: String) -> String { text.utf8.map { hex(UInt128($0), 2) }.joined() }

    private static func hex(_ number: UInt128, _ digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

import JSON
import Policy

/// Questions as Kamailio's Lua module writes them, of many sources in turn, made in place.
struct Questions {
    /// How a request is told.
    enum Form: String, CaseIterable {
        /// Its start line and header block.
        case message
        /// Its facts singly.
        case facts
    }

    private var lines: [Line]
    private let sources: UInt32
    private var asked: UInt32 = 0

    /// Questions of that form from so many sources.
    init(_ form: Form, sources: UInt32) {
        self.sources = sources
        let texts = form == .message ? Messages.all.map(Self.message) : ["REGISTER", "INVITE"].map(Self.facts)
        lines = texts.map(Line.init)
    }

    /// The next question's bytes, until the one after it.
    mutating func withNext<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        asked &+= 1
        let index = Int(asked & 1)
        lines[index].fill(number: asked, source: (asked &* 2_654_435_769) % sources)
        return lines[index].bytes.withUnsafeBytes(body)
    }

    private static func message(_ text: String) -> String {
        let escaped = [("\\", "\\\\"), ("\"", "\\\""), ("/", "\\/"), ("\r\n", "\\r\\n")]
            .reduce(text) { $0.replacing($1.0, with: $1.1) }
        return call("\"message\":\"\(escaped)\"")
    }

    private static func facts(_ method: String) -> String {
        call(
            """
            "source_port":5060,"local_ip":"203.0.113.10","local_port":5060,"length":700,"method":"\(method)",\
            "ruri":"sip:sip.example.net:5060","from_user":"1001","from_domain":"sip.example.net",\
            "from_display":"Reception","from_tag":"2090410243","to_user":"1001","to_domain":"sip.example.net",\
            "contact":"<sip:1001@192.168.1.50:5060>",\
            "user_agent":"Yealink SIP-T46S 66.85.0.5","call_id":"0_@@@@@@@@@@@192.168.1.50",\
            "via_host":"192.168.1.50","via_branch":"z9hG4bK@@@@@@@@@@","cseq":2,"max_forwards":70
            """)
    }

    private static func call(_ params: String) -> String {
        """
        {"jsonrpc":"2.0","id":@@@@@@@@@@,"method":"guard.check","params":{"source_ip":"198.###.###.###",\
        "transport":"udp","node":"kamailio",\(params)}}
        """
    }
}

/// One question with places for a number and for the source.
private struct Line {
    var bytes: [UInt8]
    private var numbers: [Int] = []
    private var sources: [Int] = []

    init(_ text: String) {
        bytes = Array(text.utf8)
        for index in bytes.indices {
            if bytes[index...].starts(with: "@@@@@@@@@@".utf8), numbers.last.map({ $0 + 10 <= index }) ?? true {
                numbers.append(index)
            }
            if bytes[index...].starts(with: "###.###.###".utf8) { sources.append(index) }
        }
    }

    mutating func fill(number: UInt32, source: UInt32) {
        for place in numbers { write(1_000_000_000 + number, digits: 10, at: place) }
        for place in sources {
            // Octets from 100 to 255, which always have three digits.
            for octet in 0..<3 {
                let divisor: UInt32 = octet == 0 ? 156 * 156 : octet == 1 ? 156 : 1
                write(100 + source / divisor % 156, digits: 3, at: place + 4 * octet)
            }
        }
    }

    private mutating func write(_ number: UInt32, digits: Int, at place: Int) {
        var rest = number
        for index in stride(from: place + digits - 1, through: place, by: -1) {
            bytes[index] = 0x30 + UInt8(rest % 10)
            rest /= 10
        }
    }
}

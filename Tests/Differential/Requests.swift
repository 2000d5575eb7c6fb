import Repeatable

/// Makes requests that are nearly right: members in any order, values of every kind, and then some damage.
package struct Requests {
    private var random: SeededRandom

    package init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// The next text; the same seed gives the same ones.
    package mutating func next() -> [UInt8] {
        var text = Array(
            Int.random(in: 0..<4, using: &random) == 0 ? Self.samples.randomElement(using: &random)! : made())
        for _ in 0..<Self.damages.randomElement(using: &random)! { damage(&text, with: Self.signs) }
        return text
    }

    /// The next header block: headers in any order, folded and cut off, and then some damage.
    package mutating func nextMessage() -> [UInt8] {
        let lineBreak = Bool.random(using: &random) ? "\r\n" : Self.lineBreaks.randomElement(using: &random)!
        var lines = [Self.starts.randomElement(using: &random)!]
        for _ in 0..<Int.random(in: 0...8, using: &random) { lines.append(Self.headers.randomElement(using: &random)!) }
        if Bool.random(using: &random) { lines += ["", ""] }
        if Int.random(in: 0..<4, using: &random) == 0 { lines += ["", "v=0", "s=name", ""] }
        var text = Array(lines.joined(separator: lineBreak).utf8)
        for _ in 0..<Self.damages.randomElement(using: &random)! { damage(&text, with: Self.marks) }
        return text
    }

    /// How often a text is damaged: now and then not at all.
    private static let damages = [0, 1, 1, 2, 3]

    private mutating func made() -> [UInt8] {
        var params = [Self.sources.randomElement(using: &random)!]
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            params.append(Self.members.randomElement(using: &random)!)
        }
        params.shuffle(using: &random)
        var outer = [
            #""jsonrpc":"2.0""#, Self.ids.randomElement(using: &random)!, #""method":"guard.check""#,
            #""params":{\#(params.joined(separator: ","))}"#,
        ]
        outer.shuffle(using: &random)
        return Array("{\(outer.joined(separator: ","))}".utf8)
    }

    private mutating func damage(_ text: inout [UInt8], with signs: [UInt8]) {
        guard !text.isEmpty else { return text.append(0x7B) }
        let place = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: text[place] = signs.randomElement(using: &random)!
        case 1: text.insert(signs.randomElement(using: &random)!, at: place)
        case 2: text.remove(at: place)
        case 3: text[place] = UInt8.random(in: 0...255, using: &random)
        default:
            // A piece of the request somewhere else: members that stand twice, values under other names.
            let piece = Array(text[place..<min(text.count, place + Int.random(in: 1...40, using: &random))])
            text.insert(contentsOf: piece, at: Int.random(in: 0...text.count, using: &random))
        }
    }

    private static let signs = Array(#"{}[]":,\/ur0123456789.-+eE untf"#.utf8) + [0, 9, 10, 13, 0x7F, 0x80, 0xC3, 0xFF]

    private static let marks = Array(#"<>":;=@,[]\ ?%fts"#.utf8) + [0, 9, 10, 10, 13, 13, 32, 0x80]

    private static let lineBreaks = ["\n", "\r\n ", "\r\n\t", "\r\r\n", "\r"]

    private static let starts = [
        "REGISTER sip:pbx.example.com SIP/2.0", "OPTIONS sip:a", "INVITE", "A  sip:b  c", "", " x y",
    ]

    private static let headers: [String] = {
        var headers = [
            "Contact: <sip:1001@192.168.1.50:5060>", "m: *", "User-Agent: Yealink SIP-T46S 66.85.0.5", "user-agent:",
            "Call-ID: 0_1468215829@192.168.1.50", "i : 7", "CSeq: 2 REGISTER", "cseq: 1234567890", "CSeq: 0",
            "Max-Forwards: 70",
            "max-forwards : 999999999x", "Content-Length: 0", "Cseqx: 1", "Call_ID: 1", "X", ":", " folded",
            "\tfolded: 2",
        ]
        for name in ["From", "f", "FROM ", "To", "t"] { headers += addresses.map { "\(name): \($0)" } }
        for name in ["Via", "v", "vIA\t"] { headers += vias.map { "\(name): \($0)" } }
        for name in ["Authorization", "proxy-authorization"] { headers += credentials.map { "\(name): \($0)" } }
        return headers
    }()

    private static let addresses = [
        #""Front desk" <sip:1001@pbx.example.com:5060>;tag=2090410243"#, "<sip:a@[2001:db8::1]:5060;x=y>;x;tag=1",
        #""a \"b\" <c>" <sips:d:e@f@g?h=i> ; TAG = 2 ;tag=3"#, "sip:bob@example.com;tag=456248", "tel:+4912345",
        #""open <sip:a@b>;tag=4"#, "Bob<sip:b>", "<>", "",
    ]

    private static let vias = [
        "SIP/2.0/UDP 192.168.1.50:5060;branch=z9hG4bK1527461421;rport", "SIP / 2.0 / TCP a ;branch=1, b;branch=2",
        "SIP/2.0/TLS [2001:db8::7]:5061;rport; Branch = z9hG4bK-1 ", "a,b;branch=3", "SIP/2.0/UDP h ",
    ]

    private static let credentials = [
        #"Digest username="1001", realm="pbx.example.com", nonce="x", uri="sip:a""#, "Digest realm=r,username = u ",
        #"username="never closed"#, #"Digest username="a\"b", username="c", realm=""#, "a=b,,=,username=",
    ]

    private static let ids = [
        #""id":17"#, #""id":"a7""#, #""id":0"#, #""id":999999999999999999"#, #""id":null"#, #""id":1.0"#, #""id":"""#,
        #""id":-3"#, #""id":"a\/b""#,
    ]

    private static let sources = [
        #""source_ip":"198.51.100.7""#, #""source_ip":"2001:db8::7""#, #""source_ip":"::ffff:198.51.100.7""#,
        #""source_ip":"[2001:db8::1]""#, #""source_ip":"198.51.100.256""#, #""source_ip":null"#,
    ]

    private static let members =
        ["method", "ruri", "from_user", "from_domain", "from_display", "from_tag", "to_user", "to_domain", "to_tag"]
        .flatMap { name in
            [#""\#(name)":"x""#, #""\#(name)":"""#, #""\#(name)":"a\"b\\c\/d\r\n\te""#, #""\#(name)":null"#]
        }
        + ["contact", "user_agent", "call_id", "via_host", "via_branch", "auth_user", "auth_realm", "node", "anomaly"]
        .map { #""\#($0)":"0123456789 abcdefgh""# }
        + ["cseq", "max_forwards", "count", "source_port", "local_port", "length"].flatMap { name in
            ["0", "1", "70", "123456789012345678", "1234567890123456789", "01", "1e3", "-1", "true"]
                .map { #""\#(name)":\#($0)"# }
        }
        + ["udp", "TCP", "tls", "ws", "Wss", "sctp", "dccp", "", "udpx"].map { #""transport":"\#($0)""# }
        + [
            #""message":"OPTIONS sip:a SIP\/2.0\r\nFrom: <sip:b@c>;tag=d\r\n\r\n""#, #""message":"""#,
            #""local_ip":"203.0.113.1""#, #""auth_nonce_valid":true"#, #""sdp_session":"-""#, #""unknown_member":1"#,
        ]

    /// What clients write.
    package static let samples = [
        #"{"jsonrpc":"2.0","id":17,"method":"guard.check","params":{"source_ip":"198.51.100.10","source_port":5060,"#
            + #""transport":"udp","message":"REGISTER sip:pbx.example.com SIP\/2.0\r\nVia: SIP\/2.0\/UDP "#
            + #"192.168.1.50:5060;branch=z9hG4bK1527461421\r\nFrom: \"Front desk\" <sip:1001@pbx.example.com>;"#
            + #"tag=2090410243\r\nTo: <sip:1001@pbx.example.com>\r\nCall-ID: 0_1468215829@192.168.1.50\r\n"#
            + #"CSeq: 2 REGISTER\r\nUser-Agent: Yealink SIP-T46S 66.85.0.5\r\n"}}"#,
        #"{"id":"a7","method":"guard.check","params":{"method":"INVITE","ruri":"sip:2002@pbx.example.com","#
            + #""from_user":"1001","contact":"<sip:1001@192.168.1.50>","user_agent":"A\\B\/1\t\"x\"","#
            + #""max_forwards":70,"cseq":0,"count":12,"node":"","source_ip":"2001:db8::7","transport":"TLS","#
            + #""local_ip":"203.0.113.1"},"jsonrpc":"2.0"}"#,
    ].map { Array($0.utf8) }
}

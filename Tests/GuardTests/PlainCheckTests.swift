import JSON
import Policy
import RPC
import Testing

@testable import Guard

/// What a request says, in a form that can be compared.
private struct Reading: Equatable {
    var id: String
    var source: IPAddress
    var transport: Transport?
    var numbers: [Int?]
    var texts: [[UInt8]?]

    init(id: String, _ facts: RequestFacts) {
        (self.id, source, transport) = (id, facts.source, facts.transport)
        numbers = [facts.cseq, facts.maxForwards, facts.count, facts.nonceIsValid ? 1 : 0]
        texts = Field.allCases.map { facts[$0].isKnown ? Array(facts[$0]) : nil }
    }
}

/// As the one-pass scanner reads it; nil where it leaves the request to the parser.
private func plain(_ text: [UInt8]) -> Reading? {
    let scratch = Scratch()
    return text.withUnsafeBytes { line in
        guard let call = PlainCheck(line, scratch: scratch.bytes(line.count)) else { return nil }
        return Reading(id: String(decoding: call.id, as: UTF8.self), call.facts)
    }
}

/// As the parser reads it; nil where the request is refused, or is another one.
private func parsed(_ text: [UInt8]) -> Reading? {
    text.withUnsafeBytes { line in
        guard let document = try? JSONDocument(parsing: line) else { return nil }
        return document.withRoot { root -> Reading? in
            guard root["jsonrpc"]?.string == "2.0", root["method"]?.string == "guard.check", let id = root["id"],
                let facts = try? RequestParams.facts(root["params"]),
                facts[.method].isKnown || root["params"]?["message"] != nil
            else { return nil }
            var writer = JSONWriter()
            writer.value(id)
            return Reading(id: writer.text, facts)
        }
    }
}

private let phone = #"""
    {"jsonrpc":"2.0","id":17,"method":"guard.check","params":{"source_ip":"192.0.2.10","source_port":5060,"transport":"udp","message":"REGISTER sip:pbx.example.com SIP\/2.0\r\nVia: SIP\/2.0\/UDP 192.168.1.50:5060;branch=z9hG4bK1527461421\r\nFrom: \"Front desk\" <sip:1001@pbx.example.com>;tag=2090410243\r\nTo: <sip:1001@pbx.example.com>\r\nCall-ID: 0_1468215829@192.168.1.50\r\nCSeq: 2 REGISTER\r\nUser-Agent: Yealink SIP-T46S 66.85.0.5\r\n"}}
    """#
private let facts = #"""
    {"id":"a7","method":"guard.check","params":{"method":"INVITE","ruri":"sip:2002@pbx.example.com","from_user":"1001","contact":"<sip:1001@192.168.1.50>","user_agent":"A\\B\/1\t\"x\"","max_forwards":70,"cseq":0,"count":12,"node":"","source_ip":"2001:db8::7","transport":"TLS","local_ip":"192.0.2.1"},"jsonrpc":"2.0"}
    """#

@Suite struct PlainCheckTests {
    @Test(arguments: [phone, facts]) func readsWhatClientsWriteAsTheParserDoes(text: String) throws {
        let reading = try #require(plain(Array(text.utf8)))
        #expect(reading == parsed(Array(text.utf8)))
    }

    @Test(arguments: [
        ("white space", phone.replacing(#""id":17"#, with: #""id": 17"#)),
        ("an escape by number", phone.replacing("desk", with: #"d\u0065sk"#)),
        ("text beyond ASCII", phone.replacing("desk", with: "düsk")),
        ("a member twice", phone.replacing(#""source_port":5060"#, with: #""source_ip":"192.0.2.11""#)),
        ("a member twice in the request", phone.replacing(#""id":17"#, with: #""id":17,"id":18"#)),
        ("an unknown member", phone.replacing("source_port", with: "source_part")),
        ("an escaped name", phone.replacing("source_port", with: #"source\/port"#)),
        ("a name that is too long", phone.replacing("source_port", with: "source_port_source_port")),
        ("null", facts.replacing(#""cseq":0"#, with: #""cseq":null"#)),
        ("a real number", facts.replacing(#""cseq":0"#, with: #""cseq":0.5"#)),
        ("a number of the wrong form", facts.replacing(#""cseq":0"#, with: #""cseq":01"#)),
        ("a number that is too long", facts.replacing(#""cseq":0"#, with: #""cseq":1234567890123456789"#)),
        ("a number beyond 64 bits", facts.replacing(#""cseq":0"#, with: #""cseq":9999999999999999999"#)),
        ("an id beyond 64 bits", phone.replacing(#""id":17"#, with: #""id":99999999999999999999"#)),
        ("a negative number", facts.replacing(#""cseq":0"#, with: #""cseq":-1"#)),
        ("a count out of range", facts.replacing(#""count":12"#, with: #""count":0"#)),
        ("an address that is none", phone.replacing("192.0.2.10", with: "192.0.2.300")),
        ("an unknown transport", facts.replacing("TLS", with: "dccp")),
        ("neither method nor message", facts.replacing(#""method":"INVITE","#, with: "")),
        ("no source", facts.replacing(#""source_ip":"2001:db8::7","#, with: "")),
        ("no id", phone.replacing(#""id":17,"#, with: "")),
        ("another method", phone.replacing("guard.check", with: "guard.chock")),
        ("another case", phone.replacing("guard.check", with: "guard.Check")),
        ("another version", phone.replacing("2.0\",\"id", with: "1.0\",\"id")),
        ("a batch", "[\(phone)]"), ("bytes behind the text", phone + "x"), ("nothing", ""),
        ("an escaped id", facts.replacing(#""a7""#, with: #""a\/7""#)),
        ("a control character", phone.replacing("desk", with: "de\u{1}sk")),
    ]) func leavesWhatIsUnusualToTheParser(what: String, text: String) {
        #expect(plain(Array(text.utf8)) == nil, "\(what)")
    }

    @Test func understandsNoPrefixOfARequest() {
        let bytes = Array(phone.utf8)
        for end in 0..<bytes.count { #expect(plain(Array(bytes[..<end])) == nil) }
    }

    @Test(arguments: 1...8) func neverSaysAnythingElseThanTheParser(seed: UInt64) {
        var random = Linear(state: seed)
        let signs = Array(#"{}[]":,\/ur0123456789.-+eE untf"#.utf8) + [0, 9, 10, 13, 0x7F, 0x80, 0xC3, 0xFF]
        var understood = 0
        for turn in 0..<4_000 {
            var text = Array((turn.isMultiple(of: 2) ? phone : facts).utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) { mutate(&text, signs, &random) }
            guard let reading = plain(text) else { continue }
            understood += 1
            #expect(reading == parsed(text), "\(String(decoding: text, as: UTF8.self))")
        }
        #expect(understood > 200)
    }

    private func mutate(_ text: inout [UInt8], _ signs: [UInt8], _ random: inout Linear) {
        let place = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text[place] = signs.randomElement(using: &random)!
        case 1: text.insert(signs.randomElement(using: &random)!, at: place)
        case 2: text.remove(at: place)
        default:
            // A piece of the request somewhere else: members that stand twice, values under other names.
            let piece = text[place..<min(text.count, place + Int.random(in: 1...40, using: &random))]
            text.insert(contentsOf: piece, at: Int.random(in: 0...text.count, using: &random))
        }
    }

    @Test func givesTheSameReplyOnBothWays() throws {
        let house = try House()
        let plainReply = try JSONValue(parsing: try #require(try house.answer(phone)))
        let spaced = phone.replacing(#""id":17"#, with: #""id": 17"#)
        let parsedReply = try JSONValue(parsing: try #require(try house.answer(spaced)))
        #expect(plainReply["id"] == parsedReply["id"])
        #expect(plainReply["jsonrpc"] == parsedReply["jsonrpc"])
        for member in ["verdict", "rule", "ttl"] {
            #expect(plainReply["result"]?[member] != nil)
            #expect(plainReply["result"]?[member] == parsedReply["result"]?[member])
        }
    }
}

/// Numbers that are the same in every run (Knuth's MMIX).
private struct Linear: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 33
    }
}

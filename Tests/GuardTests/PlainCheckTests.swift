import Differential
import JSON
import Testing

private let phone = #"""
    {"jsonrpc":"2.0","id":17,"method":"guard.check","params":{"source_ip":"192.0.2.10","source_port":5060,"transport":"udp","message":"REGISTER sip:pbx.example.com SIP\/2.0\r\nVia: SIP\/2.0\/UDP 192.168.1.50:5060;branch=z9hG4bK1527461421\r\nFrom: \"Front desk\" <sip:1001@pbx.example.com>;tag=2090410243\r\nTo: <sip:1001@pbx.example.com>\r\nCall-ID: 0_1468215829@192.168.1.50\r\nCSeq: 2 REGISTER\r\nUser-Agent: Yealink SIP-T46S 66.85.0.5\r\n"}}
    """#
private let facts = #"""
    {"id":"a7","method":"guard.check","params":{"method":"INVITE","ruri":"sip:2002@pbx.example.com","from_user":"1001","contact":"<sip:1001@192.168.1.50>","user_agent":"A\\B\/1\t\"x\"","max_forwards":70,"cseq":0,"count":12,"node":"","source_ip":"2001:db8::7","transport":"TLS","local_ip":"192.0.2.1"},"jsonrpc":"2.0"}
    """#

@Suite struct PlainCheckTests {
    @Test(arguments: [phone, facts]) func readsWhatClientsWriteAsTheParserDoes(text: String) {
        #expect(Readers().compare(Array(text.utf8)) == .same)
    }

    @Test(arguments: [
        ("white space", phone.replacing(#""id":17"#, with: #""id": 17"#)),
        ("an escape by number", phone.replacing("desk", with: #"d\u0065sk"#)),
        ("text beyond ASCII", phone.replacing("desk", with: "düsk")),
        ("a member twice", phone.replacing(#""source_port":5060"#, with: #""source_ip":"192.0.2.11""#)),
        ("a member twice in the request", phone.replacing(#""id":17"#, with: #""id":17,"id":18"#)),
        ("an unknown member", phone.replacing("source_port", with: "source_part")),
        ("an escaped name", phone.replacing("source_port", with: #"source\/port"#)),
        ("a zero behind a name", phone.replacing("source_port", with: "source_port\0")),
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
        #expect(Readers().compare(Array(text.utf8)) == .notPlain, "\(what)")
    }

    /// An id with an escape is looked at in both ways to read a call.
    @Test func needsNoMoreMemoryThanTheLineForAnEscapedID() {
        let long = String(repeating: "x", count: 3000) + #"\/"#
        let text = phone.replacing(#""id":17"#, with: #""id":"\#(long)""#).replacing("desk", with: long)
        #expect(Readers().compare(Array(text.utf8)) == .notPlain)
    }

    @Test(arguments: [phone, facts]) func understandsNoPrefixOfARequest(text: String) {
        let (bytes, readers) = (Array(text.utf8), Readers())
        for end in 0..<bytes.count { #expect(readers.compare(Array(bytes[..<end])) == .notPlain) }
    }

    /// `make fuzz` goes on with this for longer.
    @Test(arguments: 1...4) func neverSaysAnythingElseThanTheParser(seed: UInt64) {
        var requests = Requests(seed: seed)
        let readers = Readers()
        var understood = 0
        for _ in 0..<10_000 {
            let text = requests.next()
            let outcome = readers.compare(text)
            if outcome == .same { understood += 1 }
            #expect(outcome == .same || outcome == .notPlain, "\(String(decoding: text, as: UTF8.self))")
        }
        #expect(understood > 500)
    }

    /// The same for header blocks, which are read alone too, and by a reader that looks at a byte at a time.
    @Test(arguments: 1...4) func readsHeaderBlocksAsANaiveReaderDoes(seed: UInt64) {
        var requests = Requests(seed: seed)
        let readers = Readers()
        var understood = 0
        for _ in 0..<5_000 {
            let text = requests.nextMessage()
            let outcome = readers.compare(message: text)
            if outcome == .same { understood += 1 }
            #expect(
                outcome == .same || outcome == .notPlain, "\(String(decoding: text, as: UTF8.self).debugDescription)")
        }
        #expect(understood > 500)
    }

    @Test(arguments: [1, 126, 127, 128, 129, 300]) func readsMoreLinesThanAreNotedOnTheWay(count: Int) {
        let lines = Array(repeating: "X: y", count: count).joined(separator: "\r\n")
        let message = "OPTIONS sip:a SIP/2.0\r\n\(lines)\r\nCall-ID: 1\r\n folded\r\nFrom: <sip:b@c>\r\n\r\ns=d\r\n"
        #expect(Readers().compare(message: Array(message.utf8)) == .same)
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

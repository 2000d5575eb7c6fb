import Repeatable
import Testing

@testable import Policy

@Suite struct MessageReaderTests {
    static let register = """
        REGISTER sip:registrar.example.com SIP/2.0\r
        Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bKnashds7;rport\r
        Max-Forwards: 70\r
        To: Bob <sip:bob@example.com>\r
        From: "Bob, the \\"builder\\" <x>" <sip:bob:secret@example.com;transport=udp>;tag=456248\r
        Call-ID: 843817637684230@998sdasdh09\r
        CSeq: 1826 REGISTER\r
        Contact: <sip:bob@192.0.2.4>\r
        User-Agent: Example Phone 1.0\r
        Authorization: Digest username="bob", realm="a, \\"b\\"", nonce="x", uri="sip:example.com"\r
        Content-Length: 0\r
        \r

        """

    @Test func takesEveryFactOfAMessage() {
        #expect(
            facts(in: Self.register) == [
                .method: "REGISTER", .ruri: "sip:registrar.example.com", .viaHost: "192.0.2.4",
                .viaBranch: "z9hG4bKnashds7", .toUser: "bob", .toDomain: "example.com", .fromUser: "bob",
                .fromDomain: "example.com", .fromDisplay: "Bob, the \\\"builder\\\" <x>", .fromTag: "456248",
                .callID: "843817637684230@998sdasdh09", .contact: "<sip:bob@192.0.2.4>",
                .userAgent: "Example Phone 1.0", .authUser: "bob", .authRealm: "a, \\\"b\\\"",
            ])
    }

    struct Case: CustomTestStringConvertible {
        let header: String
        let field: Field
        let value: String?
        var testDescription: String { header.debugDescription }
    }

    static let cases = [
        Case(header: "f: <sip:a@b>;tag=1", field: .fromTag, value: "1"),
        Case(header: "FROM : sip:a@b;tag=1", field: .fromUser, value: "a"),
        Case(header: "From: sip:a@b;tag=1", field: .fromTag, value: "1"),
        Case(header: "From: sip:a@b ; tag = 1 ;x=y", field: .fromTag, value: "1"),
        Case(header: "From: <sip:a@b;tag=inner>", field: .fromTag, value: nil),
        Case(header: "From: <sip:a@b>", field: .fromTag, value: nil),
        Case(header: "From:\r\n <sip:a@b>\r\n ;tag=folded", field: .fromTag, value: "folded"),
        Case(header: "From: \"open <sip:a@b>;tag=1", field: .fromUser, value: "a"),
        Case(header: "From: \"<sip:fake@x>\" <sip:real@b>", field: .fromUser, value: "real"),
        Case(header: "From: <sip:a@[2001:db8::1]:5060>", field: .fromDomain, value: "2001:db8::1"),
        Case(header: "From: <sip:b>", field: .fromUser, value: nil),
        Case(header: "From: <sip:b>", field: .fromDomain, value: "b"),
        Case(header: "From: <tel:+491234>", field: .fromUser, value: nil),
        Case(header: "From: <sip:a@b@c>", field: .fromUser, value: "a@b"),
        Case(header: "From: <sip:a@b:5060;x=y@c>", field: .fromDomain, value: "c"),
        Case(header: "From: <sip:a:secret@b>", field: .fromUser, value: "a"),
        Case(header: "From: \"\\\"a\" <sip:b@c>", field: .fromDisplay, value: "\\\"a"),
        Case(header: "From: \"a\"  <sip:b@c>", field: .fromDisplay, value: "a"),
        Case(header: "From: \"a\" b <sip:b@c>", field: .fromDisplay, value: "\"a\" b"),
        Case(header: "To: \"\"<sip:@>", field: .toUser, value: ""),
        Case(header: "From: \"a\"<sip:a@b", field: .fromUser, value: "a"),
        Case(header: "From: <sip:one@b>\r\nFrom: <sip:two@b>", field: .fromUser, value: "one"),
        Case(header: "v: SIP/2.0/UDP h;branch=z9hG4bK-1;rport", field: .viaBranch, value: "z9hG4bK-1"),
        Case(header: "Via: SIP / 2.0 / UDP first:5060 ;branch=1, SIP/2.0/TCP second", field: .viaHost, value: "first"),
        Case(header: "Via: SIP/2.0/UDP a;branch=1\r\nVia: SIP/2.0/UDP b;branch=2", field: .viaBranch, value: "1"),
        Case(header: "Via: SIP/2.0/UDP h ;branch=1", field: .viaHost, value: "h"),
        Case(header: "Via: SIP/2.0/UDP h:5060 x;branch=1", field: .viaHost, value: "x"),
        Case(header: "Via: SIP/2.0/UDP h, SIP/2.0/UDP i;branch=1", field: .viaBranch, value: nil),
        Case(header: "Via: SIP/2.0/UDP h;branch=1,SIP/2.0/UDP i;branch=2", field: .viaBranch, value: "1"),
        Case(header: "Via: SIP/2.0/UDP h;rport;branch=1", field: .viaBranch, value: "1"),
        Case(header: "i: 123", field: .callID, value: "123"),
        Case(header: "m: sip:a@b", field: .contact, value: "sip:a@b"),
        Case(header: "User-Agent:", field: .userAgent, value: ""),
        Case(header: "User-Agent: \u{FF}\0x", field: .userAgent, value: "\u{FF}\0x"),
        Case(header: "Proxy-Authorization: Digest username=\"u\",realm=\"r\"", field: .authRealm, value: "r"),
        Case(header: "Authorization: Digest username=bare,realm=\"r\"", field: .authUser, value: "bare"),
        Case(header: "Authorization: Digest username=\"never closed", field: .authUser, value: "never closed"),
        Case(header: "X-From: <sip:a@b>", field: .fromUser, value: nil),
        Case(header: "From", field: .fromUser, value: nil),
        Case(header: ":", field: .fromUser, value: nil),
    ]

    @Test(arguments: cases)
    func readsAHeader(_ test: Case) {
        #expect(facts(in: "OPTIONS sip:x SIP/2.0\r\n\(test.header)\r\n\r\n")[test.field] == test.value)
    }

    @Test func understandsBareLineFeeds() {
        #expect(facts(in: Self.register.replacing("\r\n", with: "\n"))[.fromTag] == "456248")
    }

    @Test func takesTheSessionNameFromTheBodyAndNothingElse() {
        let message = "INVITE sip:x SIP/2.0\r\nCall-ID: 1\r\n\r\nv=0\r\nFrom: <sip:a@b>\r\ns=portsip.com\r\nt=0 0\r\n"
        #expect(facts(in: message) == [.method: "INVITE", .ruri: "sip:x", .callID: "1", .sdpSession: "portsip.com"])
    }

    @Test func aFoldedLineThatIsCutOffBelongsToTheOneBefore() {
        #expect(
            facts(in: "OPTIONS sip:x SIP/2.0\r\nCall-ID: 1\r\n To: <sip:a@b>")
                == [.method: "OPTIONS", .ruri: "sip:x", .callID: "1\r\n To: <sip:a@b>"])
    }

    @Test func neverFailsOnATruncatedMessage() {
        for length in 0...Self.register.utf8.count {
            let part = String(decoding: Array(Self.register.utf8)[..<length], as: UTF8.self)
            #expect(facts(in: part).count <= Field.allCases.count)
        }
    }

    @Test func neverFailsOnAMutatedMessage() {
        var random = SeededRandom(seed: 11)
        let original = Array(Self.register.utf8)
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0...random.next(3) { bytes[Int(random.next(31)) % bytes.count] = UInt8(random.next(8)) }
            bytes.withUnsafeBufferPointer { buffer in
                var facts = RequestFacts(source: IPAddress(v4: 1))
                MessageReader.read(buffer, into: &facts)
                for field in Field.allCases where facts[field].isKnown {
                    #expect(facts[field].count <= buffer.count)
                }
            }
        }
    }
}

import Glibc
import Policy
import PolicyFile
import Testing

@Suite struct RedactionTests {
    private static func hex(_ text: String) -> String {
        text.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private func redact(_ text: String, _ function: (Bytes, UnsafeMutableBufferPointer<UInt8>) -> Int) -> String {
        var output = [UInt8](repeating: 0, count: max(1, text.utf8.count))
        var text = text
        let count = text.withUTF8 { text in output.withUnsafeMutableBufferPointer { function(text, $0) } }
        return String(decoding: output[..<count], as: UTF8.self)
    }

    @Test(
        "a password in a From tag is never kept",
        arguments: [
            ("1000:s3cret\u{1}1234567890", "1000:-\u{1}1234567890"), ("1000:a\u{1}12345", "1000:-\u{1}12345"),
            ("1000:with:colon\u{1}99999", "1000:-\u{1}99999"), ("1000:ümlaut\u{1}12345", "1000:-\u{1}12345"),
            ("1000:odd\u{1}one\u{1}12345", "1000:-\u{1}12345"), ("1000:no-number", "1000:-"),
            ("1000:\u{1}12345", "1000:\u{1}12345"), ("c0000201\u{1}12345", "c0000201\u{1}12345"),
            ("1000\u{1}1234567", "1000\u{1}1234567"),
        ])
    func tag(text: String, kept: String) {
        #expect(redact(Self.hex(text), Redaction.tag) == Self.hex(kept))
        #expect(redact(Self.hex(text).uppercased(), Redaction.tag).lowercased() == Self.hex(kept))
    }

    @Test("other tags stay as they are", arguments: ["", "a", "as7d6f", "1fa03a3b", "z3a", "1000:secret"])
    func other(tag: String) { #expect(redact(tag, Redaction.tag) == tag) }

    @Test("what is left of svcrack's tag is still recognised") func form() throws {
        let tag = redact(Self.hex("1000:s3cret\u{1}1234567890"), Redaction.tag)
        let request = SampleRequest(
            source: IPAddress(v4: 1),
            fields: [(.method, "REGISTER"), (.fromUser, "1000"), (.fromTag, tag), (.userAgent, "x")])
        #expect(
            request.withFacts { facts in
                Form.allCases.contains { form in
                    let signature = Signature(
                        name: "x", tool: "x", purpose: .cracking, weight: 1, mode: .enforce,
                        conditions: [Condition(fields: [.fromTag], matcher: .form(form))])
                    return form == .sipviciousPasswordTag && signature.matches(facts)
                }
            })
    }

    @Test(
        "a password in a URI is never kept",
        arguments: [
            ("sip:1000:secret@pbx.example.com", "sip:1000@pbx.example.com"),
            ("\"x:y@z\" <sips:a:b:c@h:5061;x=sip:>", "\"x:y@z\" <sips:a@h:5061;x=sip:>"),
            ("<SIP:1@h:5060>, <sip:2:pw@h>", "<SIP:1@h:5060>, <sip:2@h>"), ("sip:h:5060", "sip:h:5060"),
            ("sip::p@h", "sip:@h"), ("", ""), ("sip:", "sip:"), ("tel:+1", "tel:+1"),
            ("sip:1000:p@ss@h", "sip:1000@h"), ("<sip:1000:p@s:s@@h:5060>;x=a@b", "<sip:1000@h:5060>;x=a@b"),
            ("<sip:1:a b\t\"<c@d\"@h>", "<sip:1@h>"), ("sip:a@example.com:secret@h", "sip:a@example.com@h"),
            ("<sip:1@h:5060>;x=\"<a@b>\", <sip:2:p@@h>", "<sip:1@h:5060>;x=\"<a@b>\", <sip:2@h>"),
            ("sip:1:p@@h, <sip:2:p>@h>, <sip:3@h:1>", "sip:1@h, <sip:2:p>@h>, <sip:3@h:1>"),
        ])
    func uri(text: String, kept: String) {
        #expect(redact(text) { Redaction.uri($0, of: .contact, isCut: false, into: $1) } == kept)
    }

    @Test(
        "what is no password stays",
        arguments: [
            "sip:1000@h:5060", "<sip:1@h:5060;transport=tcp>;+sip.instance=\"<urn:uuid:1>\";x=\"a@b\"",
            "\"sip:1000 at :home\" <sip:1@h:5060>", "<sip:h:5060>, <sip:h:5061>, \"@\" <sip:1@h>",
            "sip:h:5060, <sip:1@h:5060>", "mailto:a:b@h",
        ])
    func harmless(text: String) {
        #expect(redact(text) { Redaction.uri($0, of: .contact, isCut: false, into: $1) } == text)
    }

    @Test("a Request-URI loses all that the reader of messages takes for a password") func everyURI() {
        var (texts, longest) = ([""], [""])
        for _ in 1...5 {
            longest = longest.flatMap { text in "a:@ \"<>;".map { text + String($0) } }
            texts += longest
        }
        for text in texts {
            let uri = "sip:" + text
            let wanted: String =
                if let at = text.lastIndex(of: "@"), let colon = text[..<at].firstIndex(of: ":") {
                    "sip:" + text[..<colon] + text[at...]
                } else {
                    uri
                }
            let kept = redact(uri) { Redaction.uri($0, of: .ruri, isCut: false, into: $1) }
            let looked = Array(uri.utf8).withUnsafeBufferPointer { Redaction.mayHoldPassword(uri: $0) }
            #expect(kept == wanted && (looked || kept == uri), "\(uri)")
        }
    }

    @Test(
        "what was cut within a password loses its beginning too",
        arguments: [
            ("sip:1000:secr", "sip:1000"), ("<sip:a:b@h>, <sip:1:pw", "<sip:a@h>, <sip:1"), ("sip:1000", "sip:1000"),
            ("<sip:h:5060> sip:1:", "<sip:h:5060> sip:1"), ("sip:1000:p@ss", "sip:1000"), ("<sip:1:p@s>", "<sip:1@s>"),
        ])
    func cut(text: String, kept: String) {
        #expect(redact(text) { Redaction.uri($0, of: .contact, isCut: true, into: $1) } == kept)
    }

    @Test("a URI of schemes alone is looked at once") func schemes() {
        for rest in [">;x=@", "@", ":@>"] {
            let times = [1000, 4000].map { count in
                let text = "<" + String(repeating: "sip:", count: count) + rest
                return (0..<5).map { _ in
                    processorTime { _ = redact(text) { Redaction.uri($0, of: .contact, isCut: false, into: $1) } }
                }.min()!
            }
            // Looked at from each scheme to the end again, the longer one would take sixteen times as long.
            #expect(times[1] < 8 * times[0], "\(times) ns")
        }
    }

    /// Nanoseconds of this thread's.
    private func processorTime(_ body: () -> Void) -> Int {
        func now() -> Int {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return time.tv_sec * 1_000_000_000 + time.tv_nsec
        }
        let before = now()
        body()
        return now() - before
    }
}

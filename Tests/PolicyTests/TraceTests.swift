import Testing

@testable import Policy

@Suite struct TraceTests {
    private let limit = RateLimit(events: 6, per: .seconds(60), burst: 3)

    @Test(
        "a level says how much is used up and when there is room",
        arguments: [
            (0, 0, 0, 0), (1, 0, 1, 0), (2, 0, 2, 0), (3, 0, 3, 10), (3, 4, 3, 6), (3, 10, 2, 0), (3, 29, 1, 0),
            (3, 30, 0, 0), (9, 0, 3, 10),
        ])
    func level(events: Int, later: Int, used: Int, next: Int) {
        let start = Instant.seconds(1000)
        var arrival = Instant.never
        for _ in 0..<events { _ = limit.take(&arrival, now: start) }
        let level = limit.level(at: arrival, now: start + .seconds(later))
        #expect(level == RateLimit.Level(used: used, room: 3, next: .seconds(next)))
        // It tells the truth: at `next` an event conforms, and not before.
        var (early, due) = (arrival, arrival)
        let now = start + .seconds(later + next)
        if next > 0 { #expect(limit.take(&early, now: now + .microseconds(-1)) != .conforms) }
        #expect(limit.take(&due, now: now) == .conforms)
    }

    private func quoted(_ text: [UInt8], _ field: Field) -> String {
        text.withUnsafeBufferPointer { Trace.quoted($0, of: field) }
    }

    @Test(
        "a value is shown in quotes, escaped and cut",
        arguments: [
            ("friendly-scanner", #""friendly-scanner""#), ("", #""""#), (#"a"b\c"#, #""a\"b\\c""#),
            ("a\u{1B}[2J\r\n\0", #""a\x1b[2J\x0d\x0a\x00""#), ("ü", #""\xc3\xbc""#),
            (String(repeating: "x", count: 64), "\"" + String(repeating: "x", count: 64) + "\""),
            (String(repeating: "x", count: 65), "\"" + String(repeating: "x", count: 64) + "...\""),
        ])
    func value(text: String, shown: String) { #expect(quoted(Array(text.utf8), .userAgent) == shown) }

    @Test("no password is shown, be it in a tag or in a URI") func passwords() {
        let hex = { (text: String) in
            text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        let tag = quoted(Array(hex("1000:s3cret\u{1}123").utf8), .fromTag)
        #expect(tag == "\"\(hex("1000:-\u{1}123"))\"")
        #expect(quoted(Array("sip:1000:s3cret@pbx".utf8), .ruri) == "\"sip:1000@pbx\"")
        #expect(!quoted(Array("<sip:1000:s3cret@pbx>".utf8), .contact).contains("s3cret"))
    }
}

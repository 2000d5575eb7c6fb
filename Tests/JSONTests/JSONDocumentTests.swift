import JSON
import Testing

/// Parses bytes; the error's message if they are not JSON.
private func parse(_ bytes: [UInt8]) -> Result<JSONValue, JSONParseError> {
    bytes.span.withUnsafeBytes { text in
        do throws(JSONParseError) { return .success(try JSONValue(parsing: text)) } catch { return .failure(error) }
    }
}

private func parse(_ text: String) -> Result<JSONValue, JSONParseError> { parse(Array(text.utf8)) }

struct JSONDocumentTests {
    @Test(arguments: [
        #"{}"#, #"[]"#, #"7"#, #""x""#, #"null"#, #"true"#, #"-0.5"#, #"{"b":1,"a":[1,2,{"c":null}]}"#,
        #"["\u0000","a\u0000b",""]"#, #"[9223372036854775807,-9223372036854775808]"#, #"["zażółć 🦉"]"#,
        #"{"":0}"#, #"[1e+300,0.1,1.5]"#, #"["\"\\/\b\f\n\r\t"]"#,
    ])
    func `What is printed parses to the same value`(text: String) throws {
        let value = try JSONValue(parsing: text)
        #expect(try JSONValue(parsing: value.text) == value)
        #expect(try JSONValue(parsing: value.prettyText) == value)
    }

    @Test(arguments: [
        ("", "end of file"), ("   ", "end of file"), ("{", "end of file"), ("[1,]", "token"), ("{'a':1}", "string"),
        (#"{"a":1,"a":2}"#, "duplicate"), (#"{"x":{"a":1,"\u0061":2}}"#, "duplicate"), ("{} x", "end of file expected"),
        ("{}{}", "end of file expected"), (#"["\ud800"]"#, "Unicode"), ("[18446744073709551616]", "big"),
        ("[-9223372036854775809]", "big"), ("[1e999]", "overflow"), ("[01]", "token"), ("[\"\n\"]", "newline"),
        ("[NaN]", "token"), ("[+1]", "token"), ("[.5]", "token"), ("tru", "token"),
        ("\u{FEFF}{}", "token"),
    ])
    func `Refuses what is not strict JSON`(text: String, complaint: String) throws {
        guard case .failure(let error) = parse(text) else {
            Issue.record("\(text) was parsed")
            return
        }
        #expect(error.message.contains(complaint), "\(error)")
        #expect(error.offset <= text.utf8.count)
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80],
        ] as [[UInt8]])
    func `Refuses bytes that are not UTF-8`(bytes: [UInt8]) {
        guard case .failure = parse([0x5B, 0x22] + bytes + [0x22, 0x5D]) else {
            Issue.record("\(bytes) was parsed")
            return
        }
    }

    @Test func `Refuses a NUL that is not escaped`() {
        guard case .failure = parse([0x5B, 0x22, 0, 0x22, 0x5D]) else {
            Issue.record("was parsed")
            return
        }
    }

    @Test(arguments: [
        ("[", "]", 32, true), ("[", "]", 33, false), (#"{"a":"#, "}", 33, false), (#"{"a":["#, "]}", 16, true),
        (#"{"a":["#, "]}", 17, false),
    ])
    func `Parses 32 levels and no more`(open: String, close: String, times: Int, isFine: Bool) {
        let inner = open.hasSuffix(":") ? "0" : ""
        let text = String(repeating: open, count: times) + inner + String(repeating: close, count: times)
        switch parse(text) {
        case .success: #expect(isFine)
        case .failure(let error):
            #expect(!isFine)
            #expect(error.message.contains("32 levels"))
        }
    }

    @Test(arguments: ["[", #"{"a":"#, #"[{"a":"#])
    func `A depth bomb is refused before it is parsed`(open: String) {
        guard case .failure(let error) = parse(String(repeating: open, count: 20_000)) else {
            Issue.record("was parsed")
            return
        }
        #expect(error.message.contains("32 levels"))
    }

    @Test(arguments: [
        #"["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]"#,
        #"["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\","{{{{{{"]"#,
        "[" + Array(repeating: "[]", count: 100).joined(separator: ",") + "]",
    ])
    func `Brackets in strings and side by side are no nesting`(text: String) throws {
        _ = try JSONValue(parsing: text)
    }

    @Test func `A string cut off behind a backslash is refused`() {
        guard case .failure = parse(#"["\"#) else {
            Issue.record("was parsed")
            return
        }
    }
}

struct JSONViewTests {
    private let text = #"{"s":"a\u0000b","i":-7,"r":2.5,"t":true,"n":null,"a":[1,"x"],"o":{"z":1,"y":2}}"#

    private func withRoot(_ body: (JSONView) throws -> Void) throws {
        let document = try text.utf8.span.withUnsafeBytes { bytes throws(JSONParseError) in
            try JSONDocument(parsing: bytes)
        }
        try document.withRoot(body)
    }

    @Test func `Reads each kind in place`() throws {
        try withRoot { root in
            #expect(root["s"]?.stringBytes.map(Array.init) == [0x61, 0, 0x62])
            #expect(root["s"]?.string == "a\0b")
            #expect(root["i"]?.int64 == -7)
            #expect(root["i"]?.double == -7)
            #expect(root["r"]?.double == 2.5)
            #expect(root["r"]?.int64 == nil)
            #expect(root["t"]?.bool == true)
            #expect(root["n"]?.isNull == true)
            #expect(root["n"]?.bool == nil)
            #expect(root["a"]?.count == 2)
            #expect(root["a"]?[1]?.string == "x")
            #expect(root["o"]?["y"]?.int64 == 2)
        }
    }

    @Test func `What is not there is nil`() throws {
        try withRoot { root in
            #expect(root["missing"] == nil)
            #expect(root["a"]?["s"] == nil)
            #expect(root["a"]?[2] == nil)
            #expect(root["a"]?[-1] == nil)
            #expect(root["s"]?[0] == nil)
            #expect(root["s"]?["s"] == nil)
            #expect(root["s"]?.count == 0)
            #expect(root["i"]?.stringBytes == nil)
        }
    }

    @Test func `Lists members in the order in which they were written`() throws {
        try withRoot { root in
            var keys: [String] = []
            root.forEachMember { key, _ in keys.append(String(decoding: key, as: UTF8.self)) }
            #expect(keys == ["s", "i", "r", "t", "n", "a", "o"])
            var elements = 0
            root["a"]?.forEachMember { _, _ in elements += 1 }
            #expect(elements == 0)
        }
    }

    @Test func `Kinds are told apart`() throws {
        try withRoot { root in
            let kinds = ["s", "i", "r", "t", "n", "a", "o"] as [StaticString]
            #expect(kinds.map { root[$0]?.kind } == [.string, .integer, .real, .bool, .null, .array, .object])
        }
    }
}

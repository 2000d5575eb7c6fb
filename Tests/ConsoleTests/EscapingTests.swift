import JSON
import Testing

@testable import Console

@Suite struct EscapingTests {
    @Test(
        "what could hijack a terminal is written out",
        arguments: [
            ("\u{1B}[31mred\u{1B}[0m", "\\x1b[31mred\\x1b[0m"), ("\u{9B}2J", "\\x9b2J"),
            ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
            ("\0\u{7F}", "\\x00\\x7f"), ("ab\u{202E}cd", "ab\\u{202e}cd"), ("\u{200B}\u{FEFF}", "\\u{200b}\\u{feff}"),
            ("a\u{2028}b", "a\\u{2028}b"), ("\u{E0041}", "\\u{e0041}"), ("\u{A0}", "\\xa0"),
        ])
    func hostile(text: String, expected: String) { #expect(text.escapedForTerminal == expected) }

    @Test("an escape can not be forged") func backslash() { #expect("\\x1b".escapedForTerminal == "\\\\x1b") }

    @Test("ordinary text stays as it is", arguments: ["Yealink SIP-T46S 66.85.0.5", "Müller", "内線", ""])
    func ordinary(text: String) { #expect(text.escapedForTerminal == text) }

    @Test("a document keeps its lines, tabs and backslashes only") func document() {
        #expect("a: '\\d'\n\tb\u{1B}[2J\n".escapedDocument == "a: '\\d'\n\tb\\x1b[2J\n")
    }

    @Test("JSON for scripts is safe to look at and says the same") func json() throws {
        let value: JSONValue = ["ua": "\u{9B}31m\u{202E}\u{E0041}\u{7F}é\\"]
        #expect(value.safeText == #"{"ua":"\u009b31m\u202e\udb40\udc41\u007fé\\"}"#)
        #expect(try JSONValue(parsing: value.safeText) == value)
    }

    @Test("bytes of a message become what JSON can carry")
    func wireText() {
        let cases: [([UInt8], String)] = [
            (Array("Ünal".utf8), "Ünal"), ([0x61, 0xFF, 0x62], "a\u{FF}b"), ([0xC3], "\u{C3}"), ([0x00], "\0"),
            ([0xE2, 0x82, 0x41], "\u{E2}\u{82}A"), ([0xED, 0xA0, 0x80], "\u{ED}\u{A0}\u{80}"),
            ([0x0D, 0x0A, 0xFE, 0x0D, 0x0A], "\r\n\u{FE}\r\n"), ([], ""),
        ]
        for (bytes, text) in cases {
            #expect(Array(WireText.text(bytes).unicodeScalars) == Array(text.unicodeScalars))
        }
    }
}

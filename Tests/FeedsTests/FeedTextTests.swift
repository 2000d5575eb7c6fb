import Policy
import Testing

@testable import Feeds

@Suite struct FeedTextTests {
    private static func read(
        _ text: String, _ format: FeedOrigin.Format = .plain, most: Int = 100
    ) throws(FeedText.Mistake) -> FeedText {
        try FeedText(lines: Array(text.utf8), format: format, most: most)
    }

    @Test func readsNetworksWithCommentsAndBlankLines() throws {
        let text = try Self.read(
            "# a list\r\n198.51.100.7\r\n\r\n  203.0.113.0/24  ; whole\n2001:db8::/32 # v6\n\n::ffff:198.51.100.8\n")
        #expect(
            text.prefixes.map(\.description) == ["198.51.100.7", "203.0.113.0/24", "2001:db8::/32", "198.51.100.8"])
        #expect(text.badCount == 0)
    }

    @Test func namesTheLinesThatAreNone() throws {
        let text = try Self.read("198.51.100.7\nnonsense\n198.51.100.8\n198.51.100.300\n198.51.100.9\n1.2.3.4/33")
        #expect(text.prefixes.count == 3 && text.badLines == [2, 4, 6] && text.badCount == 3)
    }

    @Test(arguments: ["0.0.0.0/0", "::/0", "127.0.0.0/8", "128.0.0.0/2", "2000::/3"])
    func nobodyListsTheWholeInternet(line: String) throws {
        let text = try Self.read("198.51.100.7\n\(line)\n")
        #expect(text.prefixes.count == 1 && text.badLines == [2])
    }

    @Test(
        arguments: [
            "<html>\n<body>sorry</body>\n</html>", "\u{0}\u{1}\u{FFFD}", "Access denied", "{\"ipaddress\": []}",
            "198.51.100.7\nno\nno\n",
        ])
    func whatIsNoListIsNotTaken(text: String) {
        #expect(throws: FeedText.Mistake.self) { try Self.read(text) }
    }

    @Test func anEmptyListIsOne() throws {
        #expect(try Self.read("# nothing today\n").prefixes.isEmpty)
    }

    @Test func tooManyEntriesAreAMistake() throws {
        let lines = (0..<11).map { "198.51.100.\($0)" }.joined(separator: "\n")
        #expect(try Self.read(lines, most: 11).prefixes.count == 11)
        #expect(throws: FeedText.Mistake("it has more than 10 entries, which is its limit")) {
            try Self.read(lines, most: 10)
        }
    }

    @Test func readsCrowdSecsBlocklist() throws {
        let text = try Self.read("value\nIp:198.51.100.7\nRange:203.0.113.0/24,ssh:bf,24h\n198.51.100.9\n", .crowdsec)
        #expect(text.prefixes.map(\.description) == ["198.51.100.7", "203.0.113.0/24", "198.51.100.9"])
    }

    @Test func readsAPageOfAPIBAN() throws {
        let page = try FeedText.page(
            apiban: Array(#"{"ipaddress":["198.51.100.7","2001:db8::1"],"ID":"1700000000"}"#.utf8))
        #expect(page.prefixes.map(\.description) == ["198.51.100.7", "2001:db8::1"] && page.next == "1700000000")
        let last = try FeedText.page(apiban: Array(#"{"ipaddress":["no new bans"],"ID":"none"}"#.utf8))
        #expect(last.prefixes.isEmpty && last.next == nil)
    }

    @Test(
        arguments: [
            "", "[]", "{}", #"{"ipaddress":[],"ID":7}"#, #"{"ipaddress":"x","ID":"1"}"#,
            #"{"ipaddress":["a","b","198.51.100.1"],"ID":"1"}"#, #"{"ipaddress":[],"ID":"../../x"}"#,
            #"{"ipaddress":[],"ID":""}"#, String(repeating: "[", count: 5000),
        ])
    func whatIsNoPageIsNotTaken(text: String) {
        #expect(throws: FeedText.Mistake.self) { try FeedText.page(apiban: Array(text.utf8)) }
    }
}

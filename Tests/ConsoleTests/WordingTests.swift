import Testing

@testable import Console

@Suite struct WordingTests {
    @Test(
        "durations are said in their two largest units",
        arguments: [
            (0, "0 s"), (59, "59 s"), (60, "1 min"), (125, "2 min 5 s"), (3_600, "1 h"), (3_605, "1 h"),
            (90_000, "1 d 1 h"), (31_536_000, "365 d"),
        ])
    func duration(seconds: Int, expected: String) { #expect(Wording.duration(seconds: seconds) == expected) }

    @Test(
        "numbers are grouped",
        arguments: [
            (0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567"), (.min, "-9,223,372,036,854,775,808"),
        ])
    func count(number: Int, expected: String) { #expect(Wording.count(number) == expected) }

    @Test("shares are rounded", arguments: [(1, 3, "33.3 %"), (2, 3, "66.7 %"), (3, 3, "100.0 %"), (0, 0, "")])
    func share(part: Int, whole: Int, expected: String) { #expect(Wording.share(part, of: whole) == expected) }

    @Test(
        "times are read as RFC 3339 writes them",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:00:00Z", 951_825_600),
            ("2025-11-21T07:00:00.123Z", 1_763_708_400),
            ("2025-11-21T08:00:00+01:00", 1_763_708_400), ("2025-11-21t07:00:00z", 1_763_708_400),
        ])
    func timestamp(text: String, seconds: Int) { #expect(Timestamp(text)?.seconds == seconds) }

    @Test(
        "what is no time is none",
        arguments: [
            "", "yesterday", "2025-13-01T00:00:00Z", "2025-11-21T07:00:00", "2025-11-21 07:00", "2025-11-21T07:00:00Q",
            "２025-11-21T07:00:00Z", "----------------------",
        ])
    func noTimestamp(text: String) { #expect(Timestamp(text) == nil) }

    @Test("a time is shown with its distance") func moment() {
        let page = Page(palette: Palette(isColoured: false), now: noon)
        #expect(page.moment("2025-11-21T06:57:00Z") == "2025-11-21T06:57:00Z (3 min ago)")
        #expect(page.moment("2025-11-21T08:00:00Z") == "2025-11-21T08:00:00Z (in 1 h)")
        #expect(page.moment("never") == "never")
    }
}

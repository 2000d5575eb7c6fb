import Testing

@testable import Console

@Suite struct TableTests {
    private let plain = Palette(isColoured: false)

    @Test("columns are aligned, figures to the right, wide signs counted as two") func alignment() {
        var table = Table([.init("name"), .init("hits", isNumeric: true), .init("comment")])
        table.add(["内線", "7", ""])
        table.add(["sipp", "12,345", "a b"])
        #expect(table.lines(plain) == ["NAME    HITS  COMMENT", "内線       7", "sipp  12,345  a b"])
    }

    @Test("a cell can neither break the table nor fill the screen") func hostile() {
        var table = Table([.init("agent", limit: 8), .init("n")])
        table.add(["\u{1B}]0;owned\u{7}", "1"])
        #expect(table.lines(plain) == ["AGENT     N", "\\x1b]0;…  1"])
    }

    @Test("colour surrounds a cell without moving its neighbours") func colour() {
        var table = Table([.init("a"), .init("b")])
        table.add([Cell("x", .bad), "y"])
        #expect(table.lines(Palette(isColoured: true)).last == "\u{1B}[31mx\u{1B}[0m  y")
    }

    @Test(
        "colour is for terminals whose user wants it",
        arguments: [
            (true, [:], true), (false, [:], false), (true, ["NO_COLOR": "1"], false), (true, ["NO_COLOR": ""], true),
            (true, ["TERM": "dumb"], false),
        ] as [(Bool, [String: String], Bool)])
    func palette(isTerminal: Bool, environment: [String: String], isColoured: Bool) {
        #expect(Palette(isTerminal: isTerminal, environment: environment).isColoured == isColoured)
    }
}

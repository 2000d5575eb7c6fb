import JSON
import Testing

@testable import Console

@Suite struct ListPageTests {
    private let bans = """
        "bans":[{"address":"203.0.113.0/24","since":"2025-11-21T06:00:00Z","until":"2025-11-21T08:00:00Z","rule":"manual",
        "by":"ops","comment":"\\u001b[31mred"},{"address":"2001:db8::1","since":"2025-11-21T06:59:59Z","until":null,
        "rule":"flood","by":"","comment":null}]
        """

    @Test("bans with their ends, hostile comments disarmed") func banList() throws {
        #expect(
            try shown("{\(bans),\"total\":2}") { $0.showBans($1, offset: 0) } == """
                ADDRESS         SINCE    UNTIL            RULE    BY   COMMENT
                203.0.113.0/24  1 h ago  in 1 h           manual  ops  \\x1b[31mred
                2001:db8::1     1 s ago  removed by hand  flood   -

                """)
    }

    @Test(
        "a part of a list says which part it is",
        arguments: [
            (7, 0, "1 to 2 of 7; more with --offset 2, or --limit"),
            (7, 3, "4 to 5 of 7; more with --offset 5, or --limit"),
            (12, 10, "11 to 12 of 12"),
        ])
    func bounded(total: Int, offset: Int, note: String) throws {
        let text = try shown("{\(bans),\"total\":\(total)}") { $0.showBans($1, offset: offset) }
        #expect(text.hasSuffix("\n\(note)\n"))
    }

    @Test("empty lists say so") func empty() throws {
        #expect(try shown(#"{"bans":[],"total":0}"#) { $0.showBans($1, offset: 0) } == "No bans.\n")
        #expect(
            try shown(#"{"allowed":[],"total":0}"#) { $0.showAllowed($1, offset: 0) } == "The allow list is empty.\n")
        let behind = try shown(#"{"bans":[],"total":3}"#) { $0.showBans($1, offset: 9) }
        #expect(behind == "No more than 3; --offset 9 is behind the last.\n")
    }

    @Test("what was done is said") func done() throws {
        let ban = #"{"address":"192.0.2.1/32","until":"2025-11-21T08:00:00Z"}"#
        #expect(try shown(ban) { $0.showBanned($1) } == "192.0.2.1/32 is banned until 2025-11-21T08:00:00Z (in 1 h).\n")
        let allowed = #"{"address":"192.0.2.1/32","until":null}"#
        #expect(try shown(allowed) { $0.showNowAllowed($1) } == "192.0.2.1/32 is allowed until it is removed.\n")
        let gone = try shown(#"{"removed":false}"#) { $0.showBanRemoved($1, address: "192.0.2.1") }
        #expect(gone.hasPrefix("There is no ban on 192.0.2.1.\n"))
        let lifted = try shown(#"{"removed":true,"held_by":"password-guessing"}"#) {
            $0.showBanRemoved($1, address: "192.0.2.1")
        }
        #expect(
            lifted == """
                The ban on 192.0.2.1 is lifted.
                "password-guessing" still holds for all that it sends; to end that too: sipguardctl forget 192.0.2.1

                """)
        let forgotten = try shown(#"{"forgotten":true,"ban_removed":true}"#) {
            $0.showForgotten($1, source: "192.0.2.1")
        }
        #expect(forgotten == "192.0.2.1 is forgotten, and its ban is lifted.\n")
    }
}

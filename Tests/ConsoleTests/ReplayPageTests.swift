import JSON
import Testing

@testable import Console

/// What `sipguardctl replay` prints for people.
@Suite struct ReplayPageTests {
    private func page(_ members: String) throws -> String {
        try shown(
            """
            {"seconds":125,"begins":"2025-11-21T06:00:00Z","requests":1204,
            "verdicts":{"pass":1200,"reject":0,"ok200":1,"drop":3},\(members)}
            """
        ) { $0.showReplay($1) }
    }

    @Test("first what there was, then who was treated from which request on") func whole() throws {
        let text = try page(
            """
            "shadow":0,"rules":{"svwar-tag":4},"sources_seen":2,"reports":{"auth_ok":7,"dropped":0},
            "sources":[{"source":"198.51.100.7","requests":4,"pass":0,"reject":0,"ok200":1,"drop":3,"first_treated":1,
            "rule":"svwar-tag"},{"source":"203.0.113.9","requests":1200,"pass":1200,"reject":0,"ok200":0,"drop":0,
            "first_treated":null,"rule":null}],
            "recording":{"servers":["203.0.113.1"],"cut_frames":0,"repeated_packets":0}
            """)
        #expect(
            text == """
                1,204 requests in 2 min 5 s, from 2025-11-21T06:00:00Z
                to 203.0.113.1

                VERDICT  REQUESTS   SHARE
                pass        1,200  99.7 %
                reject          0   0.0 %
                ok200           1   0.1 %
                drop            3   0.2 %

                REPORTS
                  auth_ok  7

                RULES
                  svwar-tag  4

                SOURCES
                SOURCE        REQUESTS   PASS  REJECT  OK200  DROP  FIRST TREATED  RULE
                198.51.100.7         4      0       0      1     3              1  svwar-tag
                203.0.113.9      1,200  1,200       0      0     0              -  -

                """)
    }

    @Test(
        "flaws of the recording are said, and only those there are",
        arguments: [
            (#""cut_frames":3"#, "3 of the frames were cut by the capture."),
            (#""lost_fragments":1"#, "1 packets lack fragments."), (#""bad_lines":2"#, "2 lines are no decisions."),
            (#""stream_gaps":9"#, "9 times a TCP stream had a hole or was no SIP."),
            (#""repeated_packets":12"#, "12 packets came twice in the capture and counted once."),
        ])
    func flaws(member: String, words: String) throws {
        #expect(try page("\"recording\":{\(member)}").contains("\n\(words)\n"))
        let name = member.prefix { $0 != ":" }
        let none = try page("\"recording\":{\(name):0}")
        #expect(!none.contains(words.drop { $0.isNumber }))
    }

    @Test(
        "what was recorded is compared with what is decided now",
        arguments: [
            (1204, 0, "\nAll verdicts are those of then.\n"),
            (1200, 4, "\n4 of 1,204 verdicts are others than then.\n"),
        ])
    func recorded(same: Int, different: Int, words: String) throws {
        #expect(try page("\"recorded\":{\"same\":\(same),\"different\":\(different)}").contains(words))
        #expect(!(try page("\"shadow\":0").contains("than then")))
    }

    @Test("a comparison names sources and users and what becomes of their requests") func comparison() throws {
        let text = try page(
            """
            "comparison":{"requests":3,"sources_differing":2,"users_differing":1,
            "sources":[{"source":"198.51.100.7","requests":4,"differing":3,"changes":[{"from":"pass","to":"drop",
            "rule_from":"default","rule_to":"users-tried","requests":2},{"from":"ok200","to":"pass",
            "rule_from":"svwar-tag","rule_to":"default","requests":1}]}],
            "users":[{"user":"10\\u001b[2J","requests":1,"differing":1,"changes":[]}]}
            """)
        #expect(text.contains("COMPARISON\n3 requests would be answered differently.\n"))
        #expect(
            text.contains("pass (default) becomes drop (users-tried), 2; ok200 (svwar-tag) becomes pass (default), 1\n")
        )
        #expect(text.contains("1 of 2; more with --top\n"))
        #expect(text.contains("10\\x1b[2J") && !text.contains("\u{1B}"))
        let same = try page(#""comparison":{"requests":0,"sources_differing":0,"users_differing":0}"#)
        #expect(same.contains("\nBoth policies answer every request alike.\n"))
    }

    @Test("rules in shadow mode, and sources beyond the list, are said") func more() throws {
        let text = try page(#""shadow":1,"sources_seen":30,"sources":[{"source":"203.0.113.9","requests":1}]"#)
        #expect(text.contains("1 request would have been answered otherwise by rules in shadow mode."))
        #expect(text.contains("1 of 30; more with --top\n"))
    }
}

import JSON
import Testing

@testable import Console

@Suite struct StatsPageTests {
    @Test("totals, attacks, the busiest rules, the rest by its names") func stats() throws {
        let text = try shown(
            """
            {"version":"0.1.0","uptime_seconds":90061,"requests":{"total":2000,"pass":1900,"drop":100,"shadow":3},
            "floods":{"seen":16,"stopped":14,"banned":1,"median_answers":1},
            "incidents":{"seen":3,"active":1,"silent":2,"median_messages_before":0,"median_messages_after_answer":1},
            "rules":{"a":0,"b":7},"signatures":{"x":1,"y":3,"z":2},
            "listeners":[{"name":"ask","open":4,"refused":0,"errors":{}},{"name":"admin","open":1,"refused":0,"errors":{"-32602":2}}],
            "policy":{"path":null,"loaded_at":"2025-11-21T06:00:00Z"}}
            """
        ) { $0.showStats($1, atMost: 2) }
        #expect(
            text == """
                sipguardd 0.1.0, up 1 d 1 h

                VERDICT  REQUESTS   SHARE
                pass        1,900  95.0 %
                drop          100   5.0 %
                all         2,000

                3 requests would have been answered otherwise by rules in shadow mode.

                14 of 16 attacks stopped, after 1 answer (median); 1 banned.
                3 incidents, 1 active; 0 messages before recognition and 1 after an answer (median); sipguardctl incident lists them.

                RULES
                  b  7
                  1 without a hit; --all shows them

                SIGNATURES
                  y  3
                  z  2
                  1 more; --all shows them

                LISTENERS
                NAME   OPEN  ERRORS
                ask       4  -
                admin     1  -32602: 2

                POLICY
                  path       -
                  loaded at  1 h ago

                """)
    }

    @Test("a quiet night is said in words") func quiet() throws {
        let text = try shown(#"{"version":"1","floods":{"seen":0,"median_answers":null}}"#) {
            $0.showStats($1, atMost: 9)
        }
        #expect(text.contains("No attack so far."))
    }

    @Test("the loudest sources") func top() throws {
        let text = try shown(
            """
            {"by":"requests","sources":[
            {"source":"198.51.100.7","requests":5000,"answers":2,"failures":0,"last_seen":"2025-11-21T06:59:50Z","treatment":"disarm"},
            {"source":"2001:db8::/64","requests":7,"answers":0,"failures":1,"last_seen":"2025-11-21T06:00:00Z","treatment":null,"banned":true},
            {"source":"192.0.2.1","requests":1,"answers":0,"failures":0,"last_seen":"2025-11-21T07:00:00Z","treatment":null}]}
            """
        ) { $0.showTop($1) }
        #expect(
            text == """
                SOURCE         REQUESTS  ANSWERS  FAILURES  LAST SEEN  TREATMENT
                198.51.100.7      5,000        2         0  10 s ago   disarm
                2001:db8::/64         7        0         1  1 h ago    banned
                192.0.2.1             1        0         0  just now   -

                """)
    }

    @Test("nobody yet") func empty() throws {
        #expect(try shown(#"{"sources":[]}"#) { $0.showTop($1) } == "No source has been seen yet.\n")
    }
}

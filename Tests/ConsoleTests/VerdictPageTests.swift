import JSON
import Testing

@testable import Console

@Suite struct VerdictPageTests {
    @Test(
        "a verdict says what the proxy does",
        arguments: [
            (
                #"{"verdict":"pass","rule":"default","decision":"7","ttl":0}"#,
                "pass: the request goes on\n  rule      default\n  decision  7\n"
            ),
            (#"{"verdict":"drop","rule":"ban"}"#, "drop: nothing is sent\n  rule  ban\n"),
            (
                #"{"verdict":"reject","code":503,"reason":"Busy","rule":"r","retry_after":65}"#,
                "reject: 503 Busy is sent\n  rule         r\n  retry after  1 min 5 s\n"
            ),
            (
                #"{"verdict":"ok200","code":200,"reason":"OK","variant":"disarm","from_tag":"a\u0001b","rule":"r","decision":"00"}"#,
                "ok200: 200 OK is sent, variant disarm\n  rule      r\n  From tag  a\\x01b\n"
            ),
            (
                #"{"verdict":"pass","rule":"d","ttl":500,"key":"k","shadow":{"verdict":"drop","rule":"s"}}"#,
                "pass: the request goes on\n  rule       d\n  valid for  500 ms, key k\n  shadow     drop by s, were it not in shadow mode\n"
            ),
        ])
    func verdict(result: String, text: String) throws { #expect(try shown(result) { $0.showVerdict($1) } == text) }

    @Test("an explanation lists each step, then the verdict") func explanation() throws {
        let text = try shown(
            """
            {"verdict":{"verdict":"drop","rule":"ban"},"steps":[{"step":"standing","outcome":"stranger"},
            {"step":"ban","outcome":"yes","taken":true},{"step":"limit one","outcome":"full","taken":false}]}
            """
        ) { $0.showExplanation($1) }
        #expect(
            text == """
                   STEP      OUTCOME
                1  standing  stranger
                2  ban       yes

                   DECIDED NOTHING  OUTCOME
                1  limit one        full

                drop: nothing is sent
                  rule  ban

                """)
    }

    @Test("a policy is shown as it is, under comments") func policy() throws {
        let text = try shown(
            #"{"path":null,"loaded_at":"2025-11-21T06:00:00Z","mode":"enforce","text":"version: 1\n\u001b[2J\n"}"#
        ) {
            $0.showPolicy($1)
        }
        #expect(
            text == "# built-in policy\n# loaded 2025-11-21T06:00:00Z (1 h ago), mode enforce\nversion: 1\n\\x1b[2J\n")
    }

    @Test("the daemon's own words") func daemon() throws {
        #expect(
            try shown(#"{"pong":true,"uptime_seconds":61}"#) { $0.showPong($1) } == "sipguardd answers, up 1 min 1 s.\n"
        )
        #expect(
            try shown(#"{"path":null,"rules":4,"signatures":1}"#) { $0.showReloaded($1) }
                == "Loaded the built-in policy: 4 rules, 1 signature.\n")
    }
}

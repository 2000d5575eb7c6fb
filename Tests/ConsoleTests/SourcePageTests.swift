import JSON
import Testing

@testable import Console

/// The answer to "why is this address treated so?".
@Suite struct SourcePageTests {
    private func source(_ members: String) throws -> String {
        try shown(
            """
            {"source":"198.51.100.7","key":"198.51.100.7/32","known":true,"first_seen":"2025-11-21T06:00:00Z",
            "last_seen":"2025-11-21T06:59:00Z","requests":1234,"answers":1,"dropped":0,
            "failures":{"auth_failed":0,"unknown_user":2},"proven":false,\(members)}
            """
        ) { $0.showSource($1) }
    }

    @Test("an attacker: which rule, since when, what comes next, how to undo it") func treatment() throws {
        let text = try source(
            """
            "protected":null,"trust":{"trusted":false,"auth_ok":0,"until":null},"ban":null,
            "answer_budget":{"used":1,"of":3,"next":0},"treatment":{"name":"disarm","rule":"svwar-tag","tool":"svwar","since":"2025-11-21T06:58:00Z",
            "until":"2025-11-21T07:08:00Z","answers":1,"messages_after_answer":0,"step":1,"next":"drop","stopped":true},
            "last":{"decision":"06b0","rule":"svwar-tag","verdict":"ok200","at":"2025-11-21T06:59:00Z"}
            """)
        #expect(
            text == """
                198.51.100.7

                UNDER TREATMENT "disarm": rule "svwar-tag" recognised it as svwar.
                  since                2025-11-21T06:58:00Z (2 min ago)
                  until                2025-11-21T07:08:00Z (in 8 min)
                  answers sent         1
                  messages after them  0
                  step                 1
                  next answer          drop
                  it has stopped       yes

                  first seen       2025-11-21T06:00:00Z (1 h ago)
                  last seen        2025-11-21T06:59:00Z (1 min ago)
                  requests         1,234
                  answers of ours  1
                  answer budget    1 of 3 used
                  dropped          0
                  logins           ok 0, auth failed 0, unknown user 2
                  address proven   no; over UDP it may be forged

                Last decision: ok200 by "svwar-tag", 1 min ago, id 06b0.

                to start afresh:        sipguardctl forget 198.51.100.7
                to let it through:      sipguardctl allow add 198.51.100.7

                """)
    }

    @Test("counters, lists and the trust factor are shown with their values") func values() throws {
        let text = try source(
            """
            "protected":"allow","ban":null,"treatment":null,"last":null,
            "trust":{"trusted":true,"auth_ok":3,"until":null,"factor":7},
            "allowed_by":{"address":"198.51.100.0/24","name":null,"by":"policy","comment":"our office"},
            "feeds":["apiban","our-list"],"limits":[{"name":"users-tried","counts":"users_tried",
            "key":{"source":"198.51.100.0/24","user_agent":"a\\u001bb"},"used":12,"of":12,
            "next":75,"mode":"enforce"},{"name":"volume","counts":"requests","used":1,"of":2000,"next":0,"mode":"shadow"}],
            "limits_need":{"one":["user"],"two":["user","user_agent"],"three":["user"]}
            """)
        #expect(text.contains("TRUSTED: 3 successful logins, limits times 7.\n"))
        #expect(text.contains("allowed as 198.51.100.0/24 by policy: our office\nnamed by apiban, our-list\n"))
        #expect(
            text.contains(
                """

                LIMIT        USED     OF  COUNTS       OF WHOM                             MODE     NEXT
                users-tried    12     12  users_tried  198.51.100.0/24, user agent a\\x1bb  enforce  in 1 min 15 s
                volume          1  2,000  requests                                         shadow   conforms

                with --user: one, three
                with --user and --user-agent: two
                """))
    }

    @Test("a ban is said first, with who set it and how to lift it") func ban() throws {
        let text = try source(
            """
            "protected":null,"treatment":null,"last":null,"ban":{"address":"198.51.100.0/24","since":"2025-11-21T06:00:00Z",
            "until":null,"rule":"manual","by":"ops\\u001b[2J","comment":""}
            """)
        #expect(
            text.hasPrefix("198.51.100.7\n\nBANNED until somebody removes the ban.\n  ban on      198.51.100.0/24\n"))
        #expect(text.contains("  by          ops\\x1b[2J\n  comment     -\n"))
        #expect(text.contains("sipguardctl ban remove 198.51.100.0/24"))
        #expect(!text.contains("UNDER TREATMENT"))
    }

    @Test("null stands for nothing: no ban, no treatment, no advice") func harmless() throws {
        let text = try source(
            "\"protected\":null,\"ban\":null,\"treatment\":null,\"last\":null,\"trust\":{\"trusted\":false}")
        #expect(text.contains("\nNothing is held against it.\n"))
        for word in ["BANNED", "UNDER TREATMENT", "TRUSTED", "sipguardctl"] { #expect(!text.contains(word)) }
    }

    @Test(
        "protection is explained",
        arguments: [
            ("own", "It is one of this machine's own addresses: it is never banned."),
            ("trusted_proxy", "It is a trusted proxy of the policy: it is never banned."),
            ("allow", "It is on the allow list: it is never banned."),
        ])
    func protection(kind: String, sentence: String) throws {
        #expect(try source("\"protected\":\"\(kind)\",\"ban\":null,\"treatment\":null").contains(sentence))
    }

    @Test("trust is said with its end") func trust() throws {
        let text = try source("\"trust\":{\"trusted\":true,\"auth_ok\":3,\"until\":\"2025-11-22T07:00:00Z\"}")
        #expect(text.contains("TRUSTED until 2025-11-22T07:00:00Z (in 1 d): 3 successful logins."))
    }

    @Test("members that a newer daemon adds are shown") func newer() throws {
        #expect(try source("\"lists\":[\"drop-list\"]").contains("LISTS\n  drop-list\n"))
    }

    @Test(
        "an address without a record is unknown, unless it is banned or protected",
        arguments: [
            (#"{"source":"192.0.2.1","known":false,"protected":null,"ban":null}"#, false),
            (#"{"source":"192.0.2.1","known":false,"protected":"own","ban":null}"#, true),
            (#"{"source":"192.0.2.1","known":false,"protected":null,"ban":{"address":"192.0.2.0/24"}}"#, true),
            ("{}", false),
        ])
    func known(result: String, isKnown: Bool) throws {
        #expect(try JSONValue(parsing: result).isKnownSource == isKnown)
    }

    @Test(
        "no result makes the view fail", arguments: ["null", "[]", "7", "{}", #"{"ban":7,"treatment":"x","last":[]}"#])
    func odd(result: String) throws { #expect(try !shown(result) { $0.showSource($1) }.isEmpty) }
}

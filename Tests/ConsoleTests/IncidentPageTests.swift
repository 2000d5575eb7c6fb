import JSON
import Testing

@testable import Console

@Suite struct IncidentPageTests {
    private let incident = """
        "incident":"00a1","status":"silent","rule":"svwar-tag","tool":"svwar","purpose":"enumeration",
        "treatment":"disarm-sipvicious","step":1,"shadow":false,"target":null,"sources":2,"first_source":"198.51.100.7",
        "since":"2025-11-21T06:00:00Z","last_message":"2025-11-21T06:00:03Z","seconds_to_silence":3,
        "messages_before":0,"messages":4,"answers":1,"messages_after_answer":2,"bans":1
        """

    @Test("one line for each attack") func list() throws {
        #expect(
            try shown("{\"incidents\":[{\(incident)}],\"total\":1}") { $0.showIncidents($1, offset: 0) }
                == """
                INCIDENT  SINCE    LAST MESSAGE  RULE       SOURCES  BEFORE  MESSAGES  ANSWERS  AFTER ANSWER  STATUS
                00a1      1 h ago  59 min 57 s ago  svwar-tag        2       0         4        1             2  silent, 1 banned

                """.replacing("LAST MESSAGE  RULE ", with: "LAST MESSAGE     RULE "))
    }

    @Test("no attack is said in words") func none() throws {
        let text = try shown(#"{"incidents":[],"total":0}"#) { $0.showIncidents($1, offset: 0) }
        #expect(text == "No attack so far.\n")
    }

    @Test("an attack with its sources") func show() throws {
        let sources =
            #"[{"source":"198.51.100.7","messages":4,"answers":1,"messages_after_answer":2,"banned":true,"last_message":"2025-11-21T06:00:03Z"},{"source":"198.51.100.8"}]"#
        let text = try shown("{\(incident),\"source_list\":\(sources)}") { $0.showIncident($1) }
        #expect(text.hasPrefix("incident 00a1\n\nSilent 3 s after it was recognised, from 2 sources.\n"))
        #expect(text.contains("  treatment            disarm-sipvicious, step 1\n"))
        #expect(text.contains("\n198.51.100.7         4        1                      2  59 min 57 s ago  banned\n"))
        #expect(text.hasSuffix("\n198.51.100.8         -        -                      -  forgotten\n"))
    }
}

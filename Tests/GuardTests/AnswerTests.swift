import JSON
import Policy
import Testing

@testable import Guard

/// Which answer an attacker gets: data of the policy, chosen by tool and phase, and kept.
@Suite struct AnswerTests {
    private static let marked = """
        version: 1
        own_addresses: [192.0.2.2]
        signatures:
          - { name: mark, tool: probe, purpose: scan, weight: 100, when: [{ user_agent: { equals: probe } }] }

        """

    private func probe(_ house: House, from source: String) throws -> JSONValue {
        try house.call(
            "guard.check", ["source_ip": .string(source), "method": "REGISTER", "user_agent": "probe"])
    }

    /// Those of the table of what stops which tool, in facts about scanners: each has its place where it is right.
    @Test(
        arguments: [
            ("answer: ok200, variant: plain", "ok200", "plain", 200),
            ("answer: ok200, variant: disarm", "ok200", "disarm", 200),
            ("answer: reject, code: 401", "reject", nil, 401),
            ("answer: reject, code: 403", "reject", nil, 403), ("answer: reject, code: 404", "reject", nil, 404),
            ("answer: reject, code: 480", "reject", nil, 480), ("answer: reject, code: 503", "reject", nil, 503),
            ("answer: reject, code: 603, reason: Decline", "reject", nil, 603), ("answer: drop", "drop", nil, nil),
        ] as [(String, String, String?, Int?)])
    func everyAnswerCanBeChosenForATreatmentAndForBans(answer: String, verdict: String, variant: String?, code: Int?)
        throws
    {
        let house = try House(
            policy: Self.marked + """
                treatments: [{ name: chosen, for: { tools: [probe] }, ladder: [{ \(answer) }] }, { name: rest, ladder: [{ answer: drop }] }]
                ban: { answer: { \(answer) } }

                """)
        try house.call("ban.add", ["address": "203.0.113.9"])
        for source in ["203.0.113.7", "203.0.113.9"] {
            let result = try probe(house, from: source)
            #expect(result["verdict"]?.string == verdict && result["variant"]?.string == variant)
            #expect(result["code"] == code.map { JSONValue.int(Int64($0)) })
        }
    }

    /// In silence a tool that never had an answer ends; one that had some goes on. Whatever the answer was.
    @Test(arguments: Outcome.allCases.filter { $0 != .dropped })
    func whetherASourceHadAnAnswerBeforeIsPartOfThePhase(outcome: Outcome) throws {
        let house = try House(
            policy: Self.marked + """
                treatments:
                  - { name: unanswered, for: { purposes: [scan], answered: false }, ladder: [{ answer: drop }] }
                  - { name: answered, for: { purposes: [scan], answered: true }, ladder: [{ answer: reject, code: 603 }] }
                  - { name: rest, ladder: [{ answer: drop }] }

                """)
        func report(_ source: String) throws {
            try house.call(
                "guard.report",
                ["source_ip": .string(source), "outcome": .string(outcome.rawValue), "method": "REGISTER", "user": "1"])
        }
        #expect(try probe(house, from: "203.0.113.7")["verdict"] == "drop")
        try house.call("guard.check", ["source_ip": "203.0.113.8", "method": "REGISTER", "user_agent": "phone"])
        try report("203.0.113.8")
        #expect(try probe(house, from: "203.0.113.8")["code"] == 603)
        // What was chosen is kept.
        try report("203.0.113.7")
        #expect(try probe(house, from: "203.0.113.7")["verdict"] == "drop")
    }
}

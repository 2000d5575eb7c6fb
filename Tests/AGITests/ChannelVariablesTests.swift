import Policy
import Testing

@testable import AGI

@Suite struct ChannelVariablesTests {
    func told(_ variables: ChannelVariables) -> String { String(decoding: variables.command, as: UTF8.self) }

    @Test func aCallThatPassesHasNoCode() {
        #expect(
            told(.init(verdict: .pass, code: nil, rule: "default", decision: .max))
                == "EXEC MSet SIPGUARD_VERDICT=pass,SIPGUARD_RULE=default,SIPGUARD_DECISION=ffffffffffffffff\n")
    }

    @Test(arguments: [(Verdict.ok200, 200), (.drop, 603)]) func otherVerdictsHaveACodeOfTheirOwn(
        verdict: Verdict, code: Int
    ) {
        #expect(
            told(.init(verdict: verdict, code: nil, rule: "a", decision: 0))
                == "EXEC MSet SIPGUARD_VERDICT=\(verdict.name),SIPGUARD_CODE=\(code),SIPGUARD_CAUSE=16,SIPGUARD_RULE=a,"
                + "SIPGUARD_DECISION=0000000000000000\n")
    }

    @Test(arguments: [nil, 0, 99, 200, 302, 399, 700, 9999, -1]) func aStatusThatEndsNoCallBecomes603(code: Int?) {
        #expect(ChannelVariables(verdict: .reject, code: code, rule: "a", decision: 0).code == 603)
    }

    @Test(arguments: [
        ("plain-rule_1.a", "plain-rule_1.a"), ("Ünder", "--nder"), ("a b\nEXEC X,Y=z", "a-b-EXEC-X-Y-z"),
        ("", "-"), (String(repeating: "a", count: 100), String(repeating: "a", count: 64)),
        ("${SHELL(id)}", "--SHELL-id--"),
    ])
    func aRuleIsOneHarmlessWord(rule: String, told: String) {
        #expect(
            self.told(.init(verdict: .pass, code: nil, rule: rule, decision: 0)).contains(
                ",SIPGUARD_RULE=\(told),SIPGUARD_DEC"))
    }

    /// The fourteen statuses that Asterisk 22.10.1 was seen to send, with the first cause that gives each.
    @Test(arguments: [
        (302, 23), (403, 21), (404, 1), (408, 18), (410, 22), (480, 19), (484, 28), (486, 17), (488, 58), (500, 38),
        (501, 29), (502, 27), (503, 34), (603, 16),
    ])
    func everyStatusThatCanBeHadHasItsCause(status: Int, cause: Int) {
        #expect(HangupCause.forStatus(status) == cause)
    }

    @Test func everyOtherStatusHasACauseOfThatList() {
        let known = [23, 21, 1, 18, 22, 19, 28, 17, 58, 38, 29, 27, 34, 16]
        for status in 400...699 { #expect(known.contains(HangupCause.forStatus(status))) }
    }
}

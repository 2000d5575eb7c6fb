import Policy
import Testing

@testable import PolicyFile

/// What a file that extends the built-in policy changes, and what it leaves.
@Suite struct ExtendsTests {
    static let base = PolicyDocument.builtIn.ruleset

    private func extending(_ text: String) throws -> PolicyDocument {
        try PolicyDocument.parse(text: "version: 1\nextends: default\n" + text, name: "p.yaml")
    }

    @Test func mapsAreReplacedKeyByKey() throws {
        let policy = try extending("ban: { first: 20m }\ntrust: { factor: 3 }\nsources: { ipv4: 24 }").ruleset
        #expect(policy.ban.first == .seconds(1200))
        #expect(policy.ban.afterMessages == Self.base.ban.afterMessages)
        #expect(policy.ban.most == Self.base.ban.most)
        #expect(policy.trust.factor == 3)
        #expect(policy.trust.hold == Self.base.trust.hold)
        #expect(policy.sources == PrefixLengths(v4: 24, v6: 64))
        #expect(policy.budget.total == Self.base.budget.total)
    }

    @Test func scalarsAreReplaced() throws {
        let policy = try extending("mode: shadow\nthreshold: 150\nquiet: 30s").ruleset
        #expect(policy.mode == .shadow)
        #expect(policy.threshold == 150)
        #expect(policy.quiet == .seconds(30))
    }

    @Test func probationIsReplacedKeyByKeyAndCanBeSwitchedOff() throws {
        let probation = try #require(try extending("probation: { newcomers: 3 per 1m, logins: 5 }").ruleset.probation)
        #expect(probation.newcomers == RateLimit(events: 3, per: .seconds(60)) && probation.logins == 5)
        #expect(probation.perSource == Self.base.probation?.perSource)
        #expect(try extending("probation: { mode: off }").ruleset.probation == nil)
    }

    @Test func aModeAloneSwitchesAnEntryWhereItStands() throws {
        let policy = try extending(
            "signatures: [{ name: ua-sipcli, mode: shadow }]\nlimits: [{ name: request-flood, mode: off }]"
        )
        .ruleset
        #expect(policy.signatures.map(\.name) == Self.base.signatures.map(\.name))
        #expect(policy.signatures.first { $0.name == "ua-sipcli" }?.mode == .shadow)
        #expect(policy.signatures.first { $0.name == "ua-sipcli" }?.conditions.count == 1)
        #expect(policy.limits.first { $0.name == "request-flood" }?.mode == .off)
        #expect(policy.limits.first { $0.name == "enumeration" }?.mode == .enforce)
    }

    @Test func aTreatmentThatIsOffIsGone() throws {
        let policy = try extending("treatments: [{ name: silence-svmap, mode: off }]").ruleset
        #expect(policy.treatments.map(\.name) == Array(Self.base.treatments.map(\.name).dropFirst()))
    }

    @Test func theLastTreatmentCannotGo() throws {
        #expect(throws: PolicyProblems.self) { try extending("treatments: [{ name: anything-else, mode: off }]") }
    }

    @Test func anEntryReplacesItsNamesakeInPlace() throws {
        let policy = try extending(
            """
            limits: [{ name: enumeration, count: users_tried, limit: 3 per 1h, purpose: enumeration }]
            treatments: [{ name: silence-scan, for: { purposes: [scan] }, ladder: [{ answer: reject, code: 480 }], hold: 1m }]
            """
        ).ruleset
        #expect(policy.limits.map(\.name) == Self.base.limits.map(\.name))
        #expect(policy.limits[0].limit == RateLimit(events: 3, per: .seconds(3600)))
        #expect(policy.limits[0].trustedLimit == RateLimit(events: 30, per: .seconds(3600)))
        #expect(policy.treatments.map(\.name) == Self.base.treatments.map(\.name))
        let changed = policy.treatments.first { $0.name == "silence-scan" }
        #expect(changed?.ladder == [Rung(answer: .reject(code: 480, reason: "Temporarily Unavailable"), times: nil)])
        #expect(changed?.hold == .seconds(60))
    }

    @Test func newTreatmentsComeFirstAndTheOthersLast() throws {
        let policy = try extending(
            """
            signatures:
              - { name: mine, tool: mytool, purpose: scan, weight: 100, when: [{ user_agent: { suffix: Bad } }] }
            limits: [{ name: slow, key: [user, node], count: failures, limit: 60 per 1h burst 5, purpose: cracking }]
            treatments: [{ name: refuse-mine, for: { tools: mytool }, ladder: [{ answer: drop }] }]
            """
        ).ruleset
        let names = policy.signatures.map(\.name)
        #expect(
            names.firstIndex(of: "mine") == names.firstIndex(of: "sql-in-user").map { $0 - 1 }, "before the contents")
        #expect(policy.signatures.first { $0.name == "mine" }?.tool == "mytool")
        #expect(policy.limits.last?.name == "slow")
        #expect(policy.limits.last?.scope == CounterScope(parts: [.user, .node]))
        #expect(policy.limits.last?.limit == RateLimit(events: 60, per: .seconds(3600), burst: 5))
        #expect(policy.treatments.first?.name == "refuse-mine")
        #expect(policy.treatments.count == Self.base.treatments.count + 1)
        let request = SampleRequest(source: IPAddress("203.0.113.5")!, fields: [(.userAgent, "soBAD")])
        #expect(policy.decide(request).rule == "mine")
    }

    @Test func addressesAreReplaced() throws {
        let policy = try extending(
            """
            own_addresses: []
            trusted_proxies: [192.0.2.7]
            allow: [2001:db8::/32, { address: 203.0.113.0/24, comment: head office }]
            """
        ).ruleset
        #expect(policy.addresses.own == [])
        #expect(policy.addresses.trustedProxies == [Prefix("192.0.2.7")!])
        #expect(policy.addresses.allow.map(\.comment) == ["", "head office"])
        #expect(Self.base.addresses.own == nil)
    }

    @Test(arguments: [
        (
            "{ name: t, for: { methods: [REGISTER] }, ladder: [{ answer: reject, code: 403 }] }",
            "svcrack tries on without end"
        ),
        ("{ name: t, for: { methods: [INVITE] }, ladder: [{ answer: ok200, variant: plain }] }", "ACK and BYE follow"),
        (
            "{ name: t, for: { purposes: enumeration }, ladder: [{ answer: ok200, variant: plain }] }",
            "write variant: disarm"
        ),
    ])
    func whatIsProbablyNotMeantIsAWarning(treatment: String, part: String) throws {
        let warnings = try extending("treatments: [\(treatment)]").warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.line == 3)
        #expect(warnings.first?.message.contains(part) == true)
    }

    @Test func aTreatmentBelowOneThatFitsEverythingIsAWarning() throws {
        let warnings = try PolicyDocument.parse(
            text:
                "version: 1\ntreatments:\n- {name: a, ladder: [{answer: drop}]}\n- {name: b, ladder: [{answer: drop}]}\n",
            name: "p.yaml"
        ).warnings
        #expect(
            warnings.map(\.description) == [
                "p.yaml:4: treatments[1]: is never reached, because 'a' above it fits everything; give that one a for:, or remove this one"
            ])
    }

    @Test func samplesThatDoNotHoldAreFound() throws {
        let failures = try extending(
            """
            signatures:
              - name: mine
                purpose: scan
                weight: 10
                when: [{ user_agent: { prefix: bad } }]
                matches: [{ user_agent: badger }, { user_agent: good }]
                ignores:
                  - { user_agent: bad }
                  - message: "OPTIONS sip:a SIP/2.0\\nUser-Agent: good\\n\\n"
            """
        ).checkSamples().map(\.description)
        #expect(
            failures == [
                "p.yaml:8: signatures[0].matches[1]: signature 'mine' does not match this sample, but must",
                "p.yaml:10: signatures[0].ignores[0]: signature 'mine' matches this sample, but must not",
            ])
    }

    @Test func aPolicyOfItsOwnHasDefaultsAndNoRules() throws {
        let policy = try PolicyDocument.parse(
            text: "version: 1\ntreatments: [{ name: a, ladder: [{ answer: drop }] }]", name: "p.yaml"
        ).ruleset
        #expect(policy.signatures.isEmpty && policy.limits.isEmpty)
        #expect(policy.threshold == 100)
        #expect(policy.ban.duration(after: 9, isProven: false) == .seconds(600))
    }
}

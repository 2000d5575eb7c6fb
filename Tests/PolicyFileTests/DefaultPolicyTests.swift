import Foundation
import Policy
import Testing

@testable import PolicyFile

@Suite struct DefaultPolicyTests {
    static let document = PolicyDocument.builtIn
    static let ruleset = document.ruleset
    static let draft = BuiltInPolicy.parser.draft

    @Test func everySampleHolds() {
        #expect(Self.document.checkSamples().map(\.description) == [])
        #expect(Self.document.warnings.isEmpty)
    }

    @Test(arguments: (draft.signatures + draft.contents).map(\.name))
    func everySignatureHasASourceAndBothKindsOfSamples(name: String) throws {
        let signature = try #require(
            (Self.draft.signatures + Self.draft.contents).first { $0.name == name })
        #expect(!signature.source.isEmpty)
        #expect(signature.samples.contains { $0.mustMatch })
        #expect(signature.samples.contains { !$0.mustMatch })
    }

    @Test func noLegitimateSampleReachesTheThresholdOfTheWholePolicy() {
        for sample in Self.document.samples where !sample.mustMatch {
            #expect(Self.ruleset.score(sample.request) < Self.ruleset.threshold, "line \(sample.line)")
        }
    }

    @Test(arguments: Fixture.names(in: "phones"))
    func phonesPass(name: String) throws {
        let request = try Fixture.message("phones/\(name)")
        #expect(Self.ruleset.decide(request).answer == .pass)
        #expect(Self.ruleset.score(request) <= 70)
    }

    @Test(arguments: Fixture.names(in: "sip"))
    func realMessagesOfSIPViciousNameTheirTool(name: String) throws {
        let request = try Fixture.message("sip/\(name)")
        #expect(Self.ruleset.tool(request) == String(name.prefix { $0 != "-" }))
    }

    /// With -c the tools send no User-Agent; others copy a phone's.
    @Test(arguments: Fixture.names(in: "sip"), [nil, "Yealink SIP-T46S 66.85.0.5"])
    func theUserAgentDoesNotMatter(name: String, userAgent: String?) throws {
        var request = try Fixture.message("sip/\(name)")
        request.message = request.message?.replacing(/User-Agent: friendly-scanner\r\n/) { _ in
            userAgent.map { "User-Agent: \($0)\r\n" } ?? ""
        }
        #expect(Self.ruleset.tool(request) == String(name.prefix { $0 != "-" }))
    }

    @Test(arguments: Fixture.names(in: "sip"), ["8f3a9c1d", "2090410243"])
    func structureIsEnoughWithoutTagUserAgentAndLoopback(name: String, tag: String) throws {
        var request = try Fixture.message("sip/\(name)")
        request.message = request.message?
            .replacing(/;tag=[0-9a-f]{10,}/, with: ";tag=\(tag)")
            .replacing(/User-Agent: friendly-scanner\r\n/, with: "")
            .replacing("127.0.0.1", with: "198.51.100.7")
        #expect(Self.ruleset.score(request) >= Self.ruleset.threshold)
        #expect(["sipvicious", "svmap", "svwar", "svcrack"].contains(Self.ruleset.tool(request)))
    }

    @Test func theNameAloneIsDisarmed() {
        let request = SampleRequest(
            source: IPAddress("198.51.100.99")!, fields: [(.method, "OPTIONS"), (.userAgent, "friendly-scanner")])
        #expect(Self.ruleset.decide(request).answer == .disarm200)
    }

    @Test(arguments: [
        ("svmap-OPTIONS.sip", Answer.drop), ("svmap-REGISTER.sip", .drop), ("svwar-REGISTER.sip", .disarm200),
        ("svwar-INVITE.sip", .disarm200), ("svwar-OPTIONS.sip", .disarm200), ("svcrack-REGISTER-1st.sip", .disarm200),
        ("svcrack-INVITE-auth.sip", .disarm200), ("svwar-INVITE-ACK.sip", .drop),
    ])
    func eachToolGetsTheAnswerThatEndsIt(name: String, answer: Answer) throws {
        #expect(Self.ruleset.decide(try Fixture.message("sip/\(name)")).answer == answer)
    }

    @Test(arguments: [
        (Purpose.cracking, "REGISTER", "fool-guessing"), (.cracking, "INVITE", "disarm-guessing"),
        (.enumeration, "REGISTER", "disarm-enumeration"), (.scan, "OPTIONS", "silence-scan"),
        (.fraud, "INVITE", "decline-fraud"), (.injection, "REGISTER", "silence-injection"),
        (.flood, "REGISTER", "shed-flood"),
    ])
    func behaviourGetsTheAnswerOfItsPurpose(purpose: Purpose, method: String, name: String) {
        let fitting = Self.draft.treatments.first { draft in
            let indication = draft.treatment.indication
            return indication.tools.isEmpty && (indication.purposes.isEmpty || indication.purposes.contains(purpose))
                && (indication.methods.isEmpty || indication.methods.contains(Array(method.utf8)))
                && indication.answered != false
        }
        #expect(fitting?.name == name)
    }

    @Test func extendingItWithNothingIsTheSamePolicy() throws {
        let copy = try PolicyDocument.parse(text: "version: 1\nextends: default\n", name: "p.yaml").ruleset
        #expect(copy.signatures.map(\.name) == Self.ruleset.signatures.map(\.name))
        #expect(copy.signatures.map(\.weight) == Self.ruleset.signatures.map(\.weight))
        #expect(copy.limits.map(\.limit) == Self.ruleset.limits.map(\.limit))
        #expect(copy.treatments.map(\.ladder) == Self.ruleset.treatments.map(\.ladder))
        #expect(copy.threshold == Self.ruleset.threshold)
    }

    @Test func itsTextReadsAsItself() throws {
        let copy = try PolicyDocument.parse(text: Self.document.text, name: "p.yaml")
        #expect(copy.ruleset.signatures.map(\.name) == Self.ruleset.signatures.map(\.name))
        #expect(copy.samples.count == Self.document.samples.count)
    }

    /// A dialler with 30 calls a second sends about 150 requests a second; 500 phones come back with 8 requests each.
    @Test func theFloodLimitLeavesOfficesAndDiallersAlone() throws {
        let limit = try #require(Self.ruleset.limits.first { $0.event == .requests }?.limit)
        var arrival = Instant.never
        for index in 0..<4000 {
            #expect(limit.take(&arrival, now: Instant(microseconds: Int64(index) * 100)) == .conforms)
        }
        arrival = .never
        for index in 0..<20_000 {
            #expect(limit.take(&arrival, now: Instant(microseconds: Int64(index) * 6_667)) == .conforms)
        }
    }
}

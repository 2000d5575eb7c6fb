import Policy
import Testing

@testable import AMI

@Suite struct ReportMapperTests {
    private func outcomes(_ events: String...) -> [Outcome] {
        ManagerSession.reports(in: events.joined()).map(\.outcome)
    }

    @Test func aGoodLoginIsAChallengeAndASuccess() throws {
        let reports = ManagerSession.reports(in: event("ChallengeSent") + event("SuccessfulAuth"))
        #expect(reports.map(\.outcome) == [.challenged, .authOK])
        #expect(reports.map(\.provesSource) == [false, true])
        #expect(reports[1].user == Array("1000".utf8) && reports[1].callID == Array("c1".utf8))
    }

    /// The password of somebody who does not exist: two events, one request.
    @Test func aRequestForNobodyCountsOnce() {
        let first = event("InvalidAccountID", account: "555")
        #expect(outcomes(first, event("ChallengeSent", account: "<unknown>")) == [.unknownUser])
        #expect(outcomes(first, failed("<unknown>", session: "c1", response: "r1")) == [.unknownUser])
    }

    /// A tool may keep its Call-ID for all of its guesses.
    @Test func everyGuessCountsUnderOneCallID() {
        let guesses = (0..<50).map {
            event("InvalidAccountID", account: "555") + failed("<unknown>", session: "c1", response: "r\($0)")
        }
        #expect(
            ManagerSession.reports(in: guesses.joined()).map(\.outcome) == Array(repeating: .unknownUser, count: 50))
        let known = (0..<50).map { failed("1000", session: "c1", response: "r\($0)") }
        #expect(ManagerSession.reports(in: known.joined()).map(\.outcome) == Array(repeating: .authFailed, count: 50))
    }

    @Test func aRequestThatIsSentAgainCountsOnce() {
        let request = failed("1000", session: "c1", response: "r1")
        #expect(outcomes(request, request, request) == [.authFailed])
        #expect(outcomes(request, failed("1000", session: "c2", response: "r1")) == [.authFailed, .authFailed])
        #expect(
            outcomes(request, failed("1000", session: "c1", response: "r1", from: "203.0.113.10"))
                == [.authFailed, .authFailed])
    }

    @Test func oldRequestsAreForgotten() {
        let first = failed("1000", session: "c1", response: "r1")
        let many = (0..<ReportMapper.window).map { failed("1000", session: "d\($0)", response: "r1") }.joined()
        #expect(outcomes(first, many, first).count == ReportMapper.window + 2)
    }

    @Test(arguments: [
        ("InvalidPassword", "SIP", Outcome.authFailed), ("FailedACL", "PJSIP", .rejected),
        ("RequestNotSupported", "PJSIP", .rejected),
    ])
    func otherRefusalsAreReported(kind: String, service: String, outcome: Outcome) {
        #expect(ManagerSession.reports(in: event(kind, service: service)).map(\.outcome) == [outcome])
    }
}

import Policy
import Testing

@testable import AMI

@Suite struct ManagerSessionTests {
    @Test func logsInForSecurityEventsAlone() {
        var session = ManagerSession(account: account)
        var action = session.next()
        #expect(action == .needMore)
        Array("Asterisk Call Manager/11.0.0\r\n".utf8).withUnsafeBytes { session.receive($0) }
        guard case .send(let login) = session.next() else {
            Issue.record("no login")
            return
        }
        let lines = String(decoding: login, as: UTF8.self).components(separatedBy: "\r\n")
        #expect(
            lines == [
                "Action: Login", "ActionID: sipguardd", "Username: feed", "Secret: s3cret", "Events: security", "", "",
            ])
        action = session.next()
        #expect(action == .needMore)
        Array(accepted.utf8).withUnsafeBytes { session.receive($0) }
        action = session.next()
        #expect(action == .loggedIn)
        action = session.next()
        #expect(action == .needMore)
    }

    @Test(arguments: [
        ("SSH-2.0-OpenSSH_9.2\r\n", ManagerSession.Failure.notAManager),
        (String(repeating: "x", count: 300), .notAManager), ("\r\n", .notAManager),
        (greeting + "Response: Error\r\nMessage: Authentication failed\r\n\r\n", .refused),
        (greeting + "Event: Newchannel\r\nPrivilege: call,all\r\n\r\n", .notAManager),
        (greeting + String(repeating: "x", count: 20_000) + "\r\n\r\n", .notAManager),
    ])
    func givesUpOnWhoeverIsNoManager(text: String, failure: ManagerSession.Failure) {
        var session = ManagerSession(account: account)
        Array(text.utf8).withUnsafeBytes { session.receive($0) }
        var last = session.next()
        if case .send = last { last = session.next() }
        #expect(last == .fail(failure))
    }

    @Test func aCaptureOfAllClassesIsReadTheSameInWhateverPiecesItComes() throws {
        let bytes = try Sample.capture("all-classes-raw.txt")
        var whole = ManagerSession(account: account)
        let reports = whole.reports(in: bytes)
        // One of its users is called "x", line break, "Event: Fake", line break, "RemoteAddress: IPV4/".
        #expect(whole.malformedCount == 1)
        #expect(reports.allSatisfy { $0.source == IPAddress("127.0.0.1") })
        let counts = Dictionary(grouping: reports, by: \.outcome).mapValues(\.count)
        #expect(counts[.unknownUser] ?? 0 > 0 && counts[.authFailed] ?? 0 > 0 && counts[.authOK] ?? 0 > 0)
        var slow = ManagerSession(account: account)
        let slowly = bytes.flatMap { slow.reports(in: [$0]) }
        #expect(slowly == reports)
        for cut in stride(from: 0, to: bytes.count, by: 61) {
            var session = ManagerSession(account: account)
            let inTwo = session.reports(in: bytes[..<cut]) + session.reports(in: bytes[cut...])
            #expect(inTwo == reports)
        }
    }

    @Test(arguments: ["injection-accountid.raw", "injection-forged-event.raw"])
    func noForgedEventCounts(name: String) throws {
        let bytes = try Sample.capture(name)
        #expect(String(decoding: bytes, as: UTF8.self).contains("9.9.9.9"))
        var whole = ManagerSession(account: account)
        let reports = whole.reports(in: bytes)
        #expect(reports.allSatisfy { $0.source == IPAddress("127.0.0.1") })
        #expect(whole.malformedCount > 0)
        for cut in bytes.indices {
            var session = ManagerSession(account: account)
            let inTwo = session.reports(in: bytes[..<cut]) + session.reports(in: bytes[cut...])
            #expect(inTwo == reports)
        }
    }

    /// A line break of the sender's ends an event; a whole event of its own behind it would be the sender's as well.
    @Test func theRestOfAnEventThatWasCutIsNothing() {
        let cut = SecurityEventTests.good.components(separatedBy: "SessionID")[0]
        let forged = event("InvalidAccountID", remote: "IPV4/UDP/9.9.9.9/5060")
        let reports = ManagerSession.reports(in: cut + "\r\n\r\n" + forged + event("SuccessfulAuth"))
        #expect(reports.map(\.outcome) == [.authOK])
        #expect(reports.map(\.source) == [IPAddress("203.0.113.9")])
    }

    @Test func whatIsTooLongIsSkippedAndNothingElse() {
        for size in [FrameReader.frameLimit - 400, FrameReader.frameLimit, 100_000] {
            var session = ManagerSession(account: account)
            let long = event("InvalidAccountID", session: String(repeating: "y", count: size))
            let text = greeting + accepted + long + event("FailedACL", session: "c2") + event("SuccessfulAuth")
            let pieces = Array(text.utf8)
            var outcomes: [Outcome] = []
            for start in stride(from: 0, to: pieces.count, by: 1000) {
                outcomes += session.reports(in: pieces[start..<min(start + 1000, pieces.count)]).map(\.outcome)
            }
            #expect(outcomes == [.rejected, .authOK])
            #expect(session.malformedCount == 1)
        }
    }

    @Test func aSecretIsNotPrinted() {
        #expect(!"\(account)".contains("s3cret") && !String(reflecting: account).contains("s3cret"))
        var text = ""
        dump(account, to: &text)
        #expect(!text.contains("s3cret"))
    }
}

extension String {
    func components(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}

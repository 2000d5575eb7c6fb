import Policy
import Testing

@testable import AMI

@Suite struct SecurityEventTests {
    @Test(arguments: [
        ("InvalidAccountID-PJSIP.txt", SecurityEvent.Kind.invalidAccountID, "555"),
        ("ChallengeSent-PJSIP.txt", .challengeSent, ""),
        ("ChallengeResponseFailed-PJSIP.txt", .challengeResponseFailed, ""),
        ("ChallengeResponseFailed-PJSIP-known-account.txt", .challengeResponseFailed, "1000"),
        ("SuccessfulAuth-PJSIP.txt", .successfulAuth, "1000"), ("FailedACL-PJSIP.txt", .failedACL, "2000"),
        ("FailedACL-PJSIP-anonymous-REGISTER.txt", .failedACL, ""),
        ("RequestNotSupported-PJSIP.txt", .requestNotSupported, "1000"),
    ])
    func readsEachKind(name: String, kind: SecurityEvent.Kind, account: String) throws {
        guard case .event(let event) = SecurityEvent.read(try Sample.frame(name)) else {
            Issue.record("\(name) is not read")
            return
        }
        #expect(event.kind == kind)
        #expect(String(decoding: event.account ?? [], as: UTF8.self) == account)
        #expect(event.source == IPAddress("127.0.0.1") && event.transport == .udp && !event.session.isEmpty)
    }

    /// Logins to the manager interface itself are no SIP.
    @Test(arguments: [
        "FailedACL-AMI.txt", "InvalidAccountID-AMI.txt", "InvalidPassword-AMI.txt", "RequestNotAllowed-AMI.txt",
        "SuccessfulAuth-AMI.txt", "FullyBooted.txt", "ContactStatus.txt", "PeerStatus.txt",
    ])
    func leavesOthersAlone(name: String) throws {
        #expect(SecurityEvent.read(try Sample.frame(name)) == .other)
    }

    @Test(arguments: [
        ("IPV4/UDP/192.0.2.7/5060", "192.0.2.7", Transport.udp), ("IPV4/TCP/192.0.2.7/0", "192.0.2.7", .tcp),
        ("IPV6/TLS/2001:db8::7/5061", "2001:db8::7", .tls), ("IPV6/UDP/::1/35884", "::1", .udp),
        ("IPV6/UDP/[2001:db8::7]/65535", "2001:db8::7", .udp),
        ("IPV4/WSS/192.0.2.7/443", "192.0.2.7", .wss), ("IPV6/UDP/::ffff:192.0.2.7/5060", "192.0.2.7", .udp),
    ])
    func readsAddresses(text: String, address: String, transport: Transport) throws {
        let report = try #require(ManagerSession.reports(in: event("SuccessfulAuth", remote: text)).first)
        #expect(report.source == IPAddress(address) && report.transport == transport)
    }

    @Test(arguments: [
        "", "192.0.2.7", "IPV4/UDP/192.0.2.7", "IPV4/UDP/192.0.2.7/5060/1", "IPV4/UDP/192.0.2.300/5060",
        "IPV4/UDP/2001:db8::7/5060", "IPV5/UDP/192.0.2.7/5060", "IPV4/SMOKE/192.0.2.7/5060",
        "IPV4/UDP/192.0.2.7/65536", "IPV4/UDP/192.0.2.7/-1", "IPV4/UDP/ 192.0.2.7/5060", "IPV4/UDP/192.0.2.7/",
    ])
    func refusesWhatIsNoAddress(text: String) {
        #expect(ManagerSession.reports(in: event("FailedACL", remote: text)).isEmpty)
    }

    static let good = event("InvalidAccountID")

    /// Each takes a line out, doubles one, swaps two or puts something into one.
    static let bad: [String] = {
        let lines = good.split(separator: "\r\n").map(String.init)
        let without = lines.indices.map { skipped in lines.indices.filter { $0 != skipped }.map { lines[$0] } }
        let doubled = lines.indices.map { lines + [lines[$0]] }
        let swapped = lines.indices.dropLast().map { index in
            var lines = lines
            lines.swapAt(index, index + 1)
            return lines
        }
        let spoilt = [
            lines.map { $0.replacing("AccountID: 1000", with: "AccountID: a\nb") },
            lines.map { $0.replacing("AccountID: 1000", with: "AccountID: a\u{0}b") },
            lines.map { $0.replacing("AccountID: 1000", with: "AccountID: a\rb") },
            lines.map { $0.replacing("AccountID: 1000", with: "AccountID:a") },
            lines.map { $0.replacing("AccountID: 1000", with: "AccountID: a\r\nRemoteAddress: IPV4/UDP/9.9.9.9/5") },
            lines.map { $0.replacing("AccountID: 1000", with: "AccountID: a\r\nX: y") },
            lines.map { $0.replacing("security,all", with: "call,all") },
            lines + ["no colon"], lines + ["RemoteAddress: IPV4/UDP/9.9.9.9/5060"],
            lines + [String(repeating: "x", count: 200) + ": y", "k: " + String(repeating: "v", count: 5000)],
            lines + (0..<70).map { "Key\($0): v" },
        ]
        return (without + doubled + swapped + spoilt).map { $0.joined(separator: "\r\n") + "\r\n\r\n" }
    }()

    @Test(arguments: bad.indices)
    func countsNothingThatAsteriskWouldNotWrite(index: Int) {
        var session = ManagerSession(account: account)
        let reports = session.reports(in: (greeting + accepted + Self.bad[index]).utf8)
        #expect(reports.isEmpty, "\(Self.bad[index])")
        // The one behind it may be its rest; the next one counts again.
        let next = session.reports(in: (Self.good + event("SuccessfulAuth", session: "c9")).utf8)
        #expect(next.last?.outcome == .authOK)
    }

    @Test func linesThatADebuggingAsteriskAddsAreNoMistake() {
        let text = Self.good.replacing(
            "security,all\r\n", with: "security,all\r\nTimestamp: 1795220241.425\r\nSequenceNumber: 9\r\n")
        #expect(ManagerSession.reports(in: text).count == 1)
    }
}

import Foundation
import Glibc
import Guard
import Loopback
import Policy
import PolicyFile
import RPC
import Synchronization
import Testing

@testable import AMI

/// What a real Asterisk 22 sent.
enum Sample {
    static func bytes(_ name: String) throws -> [UInt8] {
        let url = try #require(Bundle.module.url(forResource: "Samples/\(name)", withExtension: nil))
        return Array(try Data(contentsOf: url))
    }

    /// A capture, whose times stand in lines that begin with `@`.
    static func capture(_ name: String) throws -> [UInt8] {
        let text = String(decoding: try bytes(name), as: UTF8.self)
        return Array(text.replacing(/@[0-9]{10}\.[0-9]+\n/, with: "").utf8)
    }

    static func frame(_ name: String) throws -> Frame { Frame(bytes: Array(try bytes(name).dropLast(4))) }
}

/// A security event as Asterisk writes it.
func event(
    _ kind: String, account: String = "1000", session: String = "c1", remote: String = "IPV4/UDP/203.0.113.9/5060",
    _ more: String = "", service: String = "PJSIP"
) -> String {
    "Event: \(kind)\r\nPrivilege: security,all\r\nEventTV: 2026-11-21T00:13:02.927+0000\r\nSeverity: Error\r\n"
        + "Service: \(service)\r\nEventVersion: 1\r\nAccountID: \(account)\r\nSessionID: \(session)\r\n"
        + "LocalAddress: IPV4/UDP/192.0.2.1/5060\r\nRemoteAddress: \(remote)\r\n\(more)\r\n"
}

func failed(_ account: String, session: String, response: String, from source: String = "203.0.113.9") -> String {
    event(
        "ChallengeResponseFailed", account: account, session: session, remote: "IPV4/UDP/\(source)/5060",
        "Challenge: n\r\nResponse: \(response)\r\nExpectedResponse: \r\n")
}

let greeting = "Asterisk Call Manager/11.0.0\r\n"
let accepted = "Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
let account = ManagerAccount(host: "127.0.0.1", port: 5038, user: "feed", secret: Secret("s3cret"))

extension ManagerSession {
    /// Feeds bytes and collects what is reported.
    mutating func reports(in bytes: some Collection<UInt8>) -> [Report] {
        Array(bytes).withUnsafeBytes { receive($0) }
        var reports: [Report] = []
        while true {
            switch next() {
            case .needMore, .fail: return reports
            case .report(let report): reports.append(report)
            case .send, .loggedIn: continue
            }
        }
    }

    static func reports(in text: String) -> [Report] {
        var session = ManagerSession(account: account)
        return session.reports(in: (greeting + accepted + text).utf8)
    }
}

func newState(policy: String? = nil) throws -> GuardState {
    let document = try policy.map { try PolicyDocument.parse(text: $0, name: "test.yaml") } ?? .builtIn
    return GuardState(
        policy: LoadedPolicy(document: document, path: nil, loadedAt: Clock.now), memory: 8 << 20, version: "test")
}

/// A manager interface that takes anybody, says what it is told to say, and can be closed and opened again.
final class FakeManager: Sendable {
    private let server = LoopbackServer()
    private let state = Mutex<(peer: Int32, login: String, logins: Int)>((-1, "", 0))

    init(reply: String = accepted) {
        server.start { [weak self] in self?.serve($0, reply) }
    }

    deinit { server.stop() }

    var account: ManagerAccount {
        ManagerAccount(host: "127.0.0.1", port: server.port, user: "feed", secret: Secret("s3cret"))
    }
    var login: String { state.withLock { $0.login } }
    var logins: Int { state.withLock { $0.logins } }

    private func serve(_ peer: Int32, _ reply: String) {
        put(greeting, to: peer)
        var text = ""
        var space = [UInt8](repeating: 0, count: 1024)
        while !text.hasSuffix("\r\n\r\n") {
            let count = recv(peer, &space, space.count, 0)
            guard count > 0 else { return }
            text += String(decoding: space[..<count], as: UTF8.self)
        }
        put(reply, to: peer)
        state.withLock { $0 = (peer, text, $0.logins + 1) }
    }

    func say(_ text: String) { put(text, to: state.withLock { $0.peer }) }

    func hangUp() {
        let peer = state.withLock { $0.peer }
        shutdown(peer, Int32(SHUT_RDWR))
        close(peer)
    }
}

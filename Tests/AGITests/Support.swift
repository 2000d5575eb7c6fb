import Foundation
import Policy
import Testing

@testable import AGI

/// What a real Asterisk 22.10.1 wrote in one exchange.
struct Session: CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let nonce: [UInt8]

    var testDescription: String { name }

    init(_ name: String) throws {
        self.name = name
        let url = try #require(Bundle.module.url(forResource: "Fixtures/sessions/\(name)", withExtension: "txt"))
        bytes = Array(try Data(contentsOf: url))
        let text = String(decoding: bytes, as: UTF8.self)
        let match = try #require(try #/200 result=1 \(([0-9a-f]{32}) /#.firstMatch(in: text))
        nonce = Array(match.1.utf8)
    }
}

/// Runs an exchange against bytes that are already there.
struct Driver {
    var exchange: Exchange
    /// All that was sent, in lines.
    var sent: [String] = []
    var requests: [CalledRequest] = []
    var ending: Exchange.Ending?
    var reply = ChannelVariables(verdict: .reject, code: 403, rule: "some-rule", decision: 0x1234)

    init(nonce: String = "abc", facts: Facts = .all, limits: Exchange.Limits = .init()) {
        exchange = Exchange(nonce: Array(nonce.utf8), facts: facts, limits: limits)
    }

    mutating func feed(_ bytes: [UInt8], by step: Int = .max) {
        var index = 0
        repeat {
            let end = index + min(step, bytes.count - index)
            take(Array(bytes[index..<end]))
            index = end
        } while index < bytes.count && ending == nil
    }

    mutating func feed(_ text: String, by step: Int = .max) { feed(Array(text.utf8), by: step) }

    /// After something was sent the rest of what came is looked at, as if it had come then.
    private mutating func take(_ bytes: [UInt8]) {
        var bytes = bytes
        while true {
            var action = bytes.withUnsafeBytes { exchange.received($0) }
            if case .decide(let request) = action {
                requests.append(request)
                action = exchange.decided(reply)
            }
            switch action {
            case .receive: return
            case .send(let line), .sendLast(let line), .sendUntilClosed(let line):
                sent.append(String(decoding: line, as: UTF8.self))
            case .end(let ending):
                self.ending = ending
                return
            case .decide: Issue.record("decided twice")
            }
            bytes = []
        }
    }
}

extension CalledRequest {
    /// The facts that are known, by name.
    var facts: [String: String] {
        withFacts { facts in
            Dictionary(
                uniqueKeysWithValues: Field.allCases.filter { facts[$0].isKnown }.map { ($0.name, facts[$0].text) })
        }
    }
}

let environment = "agi_network: yes\nagi_callerid: 100\nagi_extension: 41\n\n"

func answer(_ values: [String], nonce: String = "abc") -> String {
    "200 result=1 (\(([nonce] + values + ["."]).joined(separator: " ")))\n"
}

let plainValues = [
    "192.0.2.7%3A5060", "sip%3A41%40192.0.2.1", "%3Csip%3A100%40h%3E%3Btag%3Dt1", "phone%2F1", "c1%40lab",
    "%3Csip%3A41%40h%3E", "SIP%2F2.0%2FUDP%20192.0.2.7%3A5060%3Bbranch%3Dz9hG4bK1", "%3Csip%3A100%40192.0.2.7%3E",
]
let confirmation = "200 result=0\n"

import Policy
import Repeatable
import Testing

@testable import AGI

/// Exchanges as a real Asterisk had them, among them requests that try to forge its answers.
@Suite struct SessionTests {
    struct Expected: CustomTestStringConvertible {
        let name: String
        var isForged = false
        var facts: [String: String] = [:]
        var testDescription: String { name }
    }

    static let expected = [
        Expected(name: "pass", facts: ["user_agent": "Yealink SIP-T46S 66.85.0.5", "from_user": "100"]),
        Expected(name: "sipcli", facts: ["user_agent": "sipcli/v1.8"]),
        Expected(name: "quotes-in-user-agent", facts: ["user_agent": "x\",EVIL,\"y%0a é (a)b", "from_user": "100"]),
        Expected(name: "long-user-agent", facts: ["user_agent": String(repeating: "U", count: 3000)]),
        Expected(
            name: "answers-in-from", isForged: true,
            facts: ["from_user": "100%0a%0a200%20result=1%20(pass)%0a200%20result=1%20(x)", "from_domain": "127.0.0.1"]),
        Expected(
            name: "carriage-return-in-from", isForged: true, facts: ["from_user": "100%0d%0aagi_extension%3a%20911"]),
        Expected(name: "hangup-in-ruri", isForged: true, facts: ["ruri": "sip:7%0a%0aHANGUP%0a@127.0.0.1:5390"]),
        Expected(name: "argument-in-ruri", isForged: true, facts: ["from_user": "100"]),
        Expected(name: "many-blank-lines", isForged: true, facts: ["user_agent": "Yealink SIP-T46S 66.85.0.5"]),
    ]

    @Test(arguments: expected, [1, 2, 7, 100, .max])
    func factsAreRightInPiecesOfAnySize(expected: Expected, size: Int) throws {
        let session = try Session(expected.name)
        var driver = Driver(nonce: String(decoding: session.nonce, as: UTF8.self), facts: .few)
        driver.feed(session.bytes, by: size)
        #expect(driver.ending == .answered)
        let request = try #require(driver.requests.first)
        #expect(driver.requests.count == 1)
        #expect(request.source == IPAddress("127.0.0.1") && request.isForged == expected.isForged)
        #expect((driver.exchange.forgedLines > 0) == expected.isForged)
        for (name, value) in expected.facts { #expect(request.facts[name] == value) }
        #expect(request.facts["anomaly"] == (expected.isForged ? "forged-lines" : nil))
    }

    @Test(arguments: expected) func everyPrefixWaitsOrEnds(expected: Expected) throws {
        let session = try Session(expected.name)
        for count in stride(from: 0, to: session.bytes.count, by: 17) {
            var driver = Driver(nonce: String(decoding: session.nonce, as: UTF8.self), facts: .few)
            driver.feed(Array(session.bytes.prefix(count)))
            #expect(driver.ending == nil || driver.ending == .odd || driver.ending == .answered)
            _ = driver.exchange.closed()
            driver.feed("200 result=1\n")
            #expect(driver.ending != nil)
        }
    }

    /// Changed bytes must neither crash nor let anything through that was not asked for.
    @Test(arguments: expected) func mutationsAreHarmless(expected: Expected) throws {
        let session = try Session(expected.name)
        var generator = SeededRandom(seed: 42)
        for _ in 0..<300 {
            var bytes = session.bytes
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = .random(in: 0...255, using: &generator)
                case 1: bytes[index] = 0x0A
                case 2: bytes.remove(at: index)
                default: bytes.insert(contentsOf: bytes[..<min(index, 40)], at: index)
                }
            }
            var driver = Driver(nonce: String(decoding: session.nonce, as: UTF8.self), facts: .few)
            driver.feed(bytes, by: Int.random(in: 1...2000, using: &generator))
            #expect(driver.requests.count <= 1)
            for line in driver.sent.dropFirst() {
                #expect(try #/EXEC MSet SIPGUARD_VERDICT=reject[A-Z_=,a-z0-9-]+\n/#.wholeMatch(in: line) != nil)
            }
        }
    }
}

import Policy
import Testing

@testable import ARI

@Suite struct HoneypotTests {
    private static let attacker = Prefix("203.0.113.9")!
    private static let other = Prefix("2001:db8:7::/64")!

    private func honeypot(_ domains: [String] = ["pbx.example.com"], most: Int = 200) -> Honeypot {
        var settings = Honeypot.Settings(domains: domains)
        settings.mostSources = most
        var honeypot = Honeypot(settings: settings, endpoint: "sipguardd-e")
        honeypot.stepsWereTaken()
        return honeypot
    }

    private func words(_ honeypot: Honeypot) -> [String] {
        honeypot.steps.map { "\($0.method.rawValue) \($0.type)/\($0.id)" }
    }

    private func value(_ attribute: String, of request: ConfigurationRequest?) -> String? {
        request?.fields.first { $0.attribute == attribute }?.value
    }

    @Test func whatAnEarlierRunLeftGoesFirst() {
        let honeypot = Honeypot(settings: .init(domains: ["a"]), endpoint: "sipguardd-e")
        #expect(words(honeypot) == ["DELETE identify/sipguardd-0", "DELETE identify/sipguardd-1"])
    }

    @Test func whatIsNamedIsThereBeforeItIsUsed() {
        var honeypot = honeypot(["pbx.example.com", "192.0.2.1"])
        let isIn = honeypot.admit(Self.attacker, users: ["1000"])
        #expect(isIn)
        #expect(
            words(honeypot) == [
                "PUT aor/1000@pbx.example.com", "PUT aor/1000@192.0.2.1", "PUT endpoint/sipguardd-e",
                "PUT identify/sipguardd-1",
            ])
        #expect(value("aors", of: honeypot.steps[2]) == "1000@pbx.example.com,1000@192.0.2.1")
        #expect(value("identify_by", of: honeypot.steps[2]) == "ip,username")
        #expect(value("match", of: honeypot.steps[3]) == "203.0.113.9")
        #expect(value("endpoint", of: honeypot.steps[3]) == "sipguardd-e")
        honeypot.stepsWereTaken()
        #expect(honeypot.steps.isEmpty)
        #expect(honeypot.probe == .get("identify", "sipguardd-1"))
    }

    /// The old `identify` goes after the new one has come, so that nobody is let out in between.
    @Test func sourcesComeAndGo() {
        var honeypot = honeypot()
        _ = honeypot.admit(Self.attacker, users: ["1000"])
        honeypot.stepsWereTaken()
        _ = honeypot.admit(Self.other, users: ["1000"])
        #expect(words(honeypot) == ["PUT identify/sipguardd-0", "DELETE identify/sipguardd-1"])
        #expect(value("match", of: honeypot.steps[0]) == "203.0.113.9,2001:db8:7::/64")
        honeypot.stepsWereTaken()
        honeypot.remove(Self.attacker)
        #expect(words(honeypot) == ["PUT identify/sipguardd-1", "DELETE identify/sipguardd-0"])
        honeypot.stepsWereTaken()
        honeypot.remove(Self.other)
        #expect(
            words(honeypot) == [
                "DELETE identify/sipguardd-1", "DELETE endpoint/sipguardd-e", "DELETE aor/1000@pbx.example.com",
            ])
        honeypot.stepsWereTaken()
        #expect(honeypot.steps.isEmpty && honeypot.probe == nil)
    }

    @Test func anotherUserOfTheSameSourceIsAdded() {
        var honeypot = honeypot()
        _ = honeypot.admit(Self.attacker, users: ["1000"])
        honeypot.stepsWereTaken()
        _ = honeypot.admit(Self.attacker, users: ["1000", "1001"])
        #expect(words(honeypot) == ["PUT aor/1001@pbx.example.com", "PUT endpoint/sipguardd-e"])
        _ = honeypot.admit(Self.attacker, users: (0..<50).map { "2\($0)" })
        #expect(honeypot.steps.count { $0.type == "aor" && $0.method == .put } == Honeypot.usersPerSource)
    }

    @Test func afterARestartOfAsteriskAllIsGivenAgain() {
        var honeypot = honeypot()
        _ = honeypot.admit(Self.attacker, users: ["1000"])
        honeypot.stepsWereTaken()
        honeypot.forgetWhatWasTaken()
        #expect(
            words(honeypot) == [
                "DELETE identify/sipguardd-0", "DELETE identify/sipguardd-1", "PUT aor/1000@pbx.example.com",
                "PUT endpoint/sipguardd-e", "PUT identify/sipguardd-1",
            ])
    }

    @Test func itHoldsSoManySourcesAndNoMore() {
        var honeypot = honeypot(most: 2)
        let isIn = (1...3).map { honeypot.admit(Prefix("203.0.113.\($0)")!, users: ["1"]) }
        #expect(isIn == [true, true, false])
        #expect(honeypot.isFull && honeypot.sources.count == 2)
    }

    @Test(arguments: [
        "", "1000,2000", "1000@other", "a b", "a\r\nb", "a;b", "a%20b", "1000/..", "\u{E9}",
        String(repeating: "1", count: 65),
    ])
    func aUserWithOtherCharactersGetsIntoNoName(user: String) {
        var honeypot = honeypot()
        let isIn = honeypot.admit(Self.attacker, users: [user])
        #expect(!isIn)
        #expect(honeypot.steps.isEmpty)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func base64IsThatOfTheSpecification(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
    }

    @Test func aRequestIsPlainHTTP() {
        let account = RESTAccount(host: "::1", port: 8088, user: "guard", secret: "pw")
        let text = String(
            decoding: ConfigurationRequest.put("aor", "1@a b", ["max_contacts": "1"]).bytes(for: account),
            as: UTF8.self)
        let body = #"{"fields":[{"attribute":"max_contacts","value":"1"}]}"#
        #expect(
            text == "PUT /ari/asterisk/config/dynamic/res_pjsip/aor/1%40a%20b HTTP/1.1\r\nHost: [::1]:8088\r\n"
                + "Authorization: Basic Z3VhcmQ6cHc=\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)")
        #expect(!"\(account)".contains("pw"))
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n", 200), ("HTTP/1.0 404 Not Found\r\n", 404), ("HTTP/1.1 200", nil), ("", nil),
        ("HTTP/2 200 OK\r\n", nil), ("SSH-2.0-OpenSSH_9.2\r\n", nil), ("HTTP/1.1 999 x\r\n", nil),
        ("HTTP/1.1 2x0 x\r\n", nil),
    ])
    func statusLines(line: String, status: Int?) {
        #expect(HTTPAnswer.status(Array(line.utf8)) == status)
    }
}

import JSON
import Policy
import PolicyFile
import Testing

@testable import Guard

/// What `policy.test` and `source.show` tell of the values that decide.
@Suite struct ExplanationTests {
    private let strict = """
        version: 1
        extends: default
        own_addresses: []
        feeds:
          - { name: our-list, path: /nonexistent/block.txt, weight: 60 }
        allow:
          - { address: 203.0.113.0/24, comment: our office }
        limits:
          - { name: few-requests, count: requests, limit: 3 per 60s, purpose: flood }
          - { name: few-failures, count: auth_failed, limit: 2 per 60s, purpose: cracking }
        """

    private func steps(_ house: House, _ request: JSONValue) throws -> [(step: String, outcome: String)] {
        let steps = try house.call("policy.test", ["request": request])["steps"]?.array ?? []
        return steps.map { ($0["step"]?.string ?? "", $0["outcome"]?.string ?? "") }
    }

    private func outcome(_ house: House, _ request: JSONValue, _ step: String) throws -> String? {
        try steps(house, request).first { $0.step == step }?.outcome
    }

    private func request(_ source: String = "198.51.100.7", _ agent: String = "phone") -> JSONValue {
        ["source_ip": .string(source), "method": "REGISTER", "from_user": "1000", "user_agent": .string(agent)]
    }

    @Test func aSignatureShowsTheValueThatItFound() throws {
        let house = try House()
        let found = try outcome(
            house, request("198.51.100.7", "my \"friendly-scanner\""), "signature ua-friendly-scanner")
        #expect(found?.hasSuffix(#": user_agent "my \"friendly-scanner\"""#) == true)
        #expect(try outcome(house, request(), "lists") == "no allow list and no feed names 198.51.100.7")
        #expect(try outcome(house, request(), "standing") == "stranger")
    }

    @Test func noPasswordOfAGuesserIsShown() throws {
        let secret = "s3cret"
        let tag = "1000:\(secret)\u{1}1234567890".utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let hidden = secret.utf8.map { String($0, radix: 16) }.joined()
        let request: JSONValue = [
            "source_ip": "198.51.100.7", "method": "REGISTER", "from_user": "1000", "from_tag": .string(tag),
            "ruri": .string("sip:1000:\(secret)@pbx"),
        ]
        let house = try House()
        let text = try house.call("policy.test", ["request": request]).text
        #expect(tag.contains(hidden) && !text.contains(hidden) && !text.contains(secret))
        #expect(try steps(house, request).contains { $0.outcome.contains("from_tag \"313030303a2d01") })
    }

    @Test func everyLimitThatConcernsTheRequestSaysHowFullItIs() throws {
        let house = try House(policy: strict)
        #expect(try outcome(house, request(), "limit few-requests") == "conforms: 0 of 3 requests, enforce")
        for _ in 0..<2 { try house.call("guard.check", request()) }
        #expect(try outcome(house, request(), "limit few-requests") == "conforms: 2 of 3 requests, enforce")
        // Looking counts nothing.
        #expect(try outcome(house, request(), "limit few-requests") == "conforms: 2 of 3 requests, enforce")
        let names = try steps(house, request()).map(\.step)
        #expect(names.contains("limit few-failures") && Set(names).count == names.count)
        try house.call("guard.check", request())
        let full = try outcome(house, request(), "limit few-requests")
        #expect(full == "exceeded: requests conform again in 20 s, enforce")
        let treatment = try steps(house, request()).first { $0.step.hasPrefix("treatment ") }?.outcome
        #expect(
            treatment?.hasPrefix("rung 1 of ") == true && treatment?.hasSuffix("; message 1 of few-requests") == true)
    }

    @Test func loginsMakeLimitsWiderAndThatIsSaid() throws {
        let house = try House(policy: strict)
        try house.call("guard.report", ["source_ip": "198.51.100.7", "user": "1000", "outcome": "auth_ok"])
        #expect(try outcome(house, request(), "standing") == "stranger, trusted, limits times 10")
        #expect(try outcome(house, request(), "limit few-requests") == "conforms: 0 of 30 requests, enforce")
        let trust = try house.call("source.show", ["source": "198.51.100.7"])["trust"]
        #expect(trust?["trusted"] == true && trust?["factor"] == 10)
    }

    @Test func aSourceShowsItsCountersListsAndFeeds() throws {
        let house = try House(policy: strict)
        let rule = try #require(house.state.feedRules.first)
        let content = FeedContent(prefixes: [Prefix("198.51.100.0/24")!], badLines: [], badCount: 0)
        house.state.feed(rule, holds: content, nextTry: Clock.now + .seconds(5))
        try house.call("guard.check", request())
        for _ in 0..<3 {
            try house.call(
                "guard.report", ["source_ip": "198.51.100.7", "user": "1000", "outcome": "auth_failed", "call_id": "c"])
        }
        let source = try house.call("source.show", ["source": "198.51.100.7"])
        let limits = source["limits"]?.array ?? []
        let failures = try #require(limits.first { $0["name"] == "few-failures" })
        #expect(failures["used"] == 2 && failures["of"] == 2 && failures["next"] == 30)
        #expect(failures["counts"] == "auth_failed" && failures["mode"] == "enforce")
        #expect(limits.contains { $0["name"] == "few-requests" && $0["used"] == 1 && $0["next"] == 0 })
        #expect(source["feeds"] == ["our-list"] && source["allowed_by"] == .null)
        let mark = try outcome(house, request(), "feed our-list")
        #expect(mark == "+60 unknown, enforce: 198.51.100.7 is in /nonexistent/block.txt")
        #expect(source["trust"]?["factor"] == 1)
        let office = try house.call("source.show", ["source": "203.0.113.9"])
        #expect(
            office["allowed_by"]?["address"] == "203.0.113.0/24" && office["allowed_by"]?["comment"] == "our office")
        #expect(office["limits"] == [] && office["feeds"] == [])
        let lists = try outcome(house, request("203.0.113.9"), "lists")
        #expect(lists == "allow list: 203.0.113.0/24 by policy")
    }
}

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

    @Test func aToolIsNamedWhereAMarkBetraysOne() throws {
        let house = try House()
        let tool = try outcome(house, request("198.51.100.7", "sipcli/v1.8"), "signature ua-sipcli")
        #expect(tool == #"+100 sipcli, enforce: user_agent "sipcli/v1.8""#)
        let injected: JSONValue = ["source_ip": "198.51.100.7", "method": "INVITE", "to_user": "1' or 1=1"]
        #expect(try outcome(house, injected, "content sql-in-user") == #"+100, enforce: to_user "1' or 1=1""#)
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
        let full = try #require(try outcome(house, request(), "limit few-requests"))
        let wait = try #require(full.wholeMatch(of: /exceeded: requests conform again in (\d+) s, enforce/)?.1)
        #expect((1...20).contains(Int(wait) ?? 0))
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
        #expect(failures["used"] == 2 && failures["of"] == 2 && (1...30).contains(failures["next"]?.int64 ?? 0))
        #expect(failures["counts"] == "auth_failed" && failures["mode"] == "enforce")
        #expect(limits.contains { $0["name"] == "few-requests" && $0["used"] == 1 && $0["next"] == 0 })
        #expect(source["feeds"] == ["our-list"] && source["allowed_by"] == .null)
        let mark = try outcome(house, request(), "feed our-list")
        #expect(mark == "+60, enforce: 198.51.100.7 is in /nonexistent/block.txt")
        #expect(source["trust"]?["factor"] == 1)
        let office = try house.call("source.show", ["source": "203.0.113.9"])
        #expect(
            office["allowed_by"]?["address"] == "203.0.113.0/24" && office["allowed_by"]?["comment"] == "our office")
        #expect(office["limits"] == [] && office["feeds"] == [])
        #expect(source["answer_budget"]?["used"] == 0)
        let lists = try outcome(house, request("203.0.113.9"), "lists")
        #expect(lists == "allow list: 203.0.113.0/24 by policy")
    }

    /// A policy whose limits have keys of every kind.
    private let keyed = """
        version: 1
        own_addresses: []
        treatments: [{ name: any, ladder: [{ answer: drop }] }]
        limits:
          - { name: network, key: [source], prefix: { ipv4: 16 }, count: requests, limit: 9 per 60s, purpose: flood }
          - { name: account, key: [source, user], count: auth_failed, limit: 3 per 60s, purpose: cracking }
          - { name: target, key: [user], count: sources_tried, limit: 3 per 60s, purpose: cracking }
          - { name: agent, key: [user_agent], count: requests, limit: 9 per 60s, purpose: flood }
          - { name: proxy, key: [node], count: requests, limit: 9 per 60s, purpose: flood }
          - { name: codes, key: [source], count: dial_prefixes, limit: 3 per 60s, purpose: fraud }
          - { name: unused, mode: off, key: [user], count: requests, limit: 9 per 60s, purpose: flood }
        """

    @Test func limitsWithFurtherKeysAreShownForWhoIsNamed() throws {
        let house = try House(policy: keyed)
        let call: JSONValue = [
            "source_ip": "198.51.100.7", "method": "INVITE", "from_user": "1000", "user_agent": "phone", "node": "a",
            "ruri": "sip:00441234567890@pbx",
        ]
        try house.call("guard.check", call)
        try house.call("guard.report", ["source_ip": "198.51.100.7", "user": "1000", "outcome": "auth_failed"])
        func levels(_ more: JSONObject) throws -> (used: [String: Int], result: JSONValue) {
            var params: JSONObject = ["source": "198.51.100.7"]
            for member in more.members { params[member.key] = member.value }
            let result = try house.call("source.show", .object(params))
            let used = (result["limits"]?.array ?? []).map { ($0["name"]?.string ?? "", Int($0["used"]?.int64 ?? -1)) }
            return (Dictionary(uniqueKeysWithValues: used), result)
        }
        let alone = try levels([:])
        #expect(alone.used == ["network": 1])
        #expect(alone.result["limits"]?.array?.first?["key"] == ["source": "198.51.0.0/16"])
        #expect(
            alone.result["limits_need"] == [
                "account": ["user"], "target": ["user"], "agent": ["user_agent"], "proxy": ["node"],
                "codes": ["number"],
            ])
        let user = try levels(["user": "1000"])
        #expect(user.used == ["network": 1, "account": 1, "target": 1])
        let account = user.result["limits"]?.array?.first { $0["name"] == "account" }
        #expect(account?["key"] == ["source": "198.51.100.7/32", "user": "1000"])
        #expect(try levels(["user": "1001"]).used == ["network": 1])
        let all = try levels(["user": "1000", "user_agent": "phone", "node": "a", "number": "99441234567890"])
        #expect(all.used == ["network": 1, "account": 1, "target": 1, "agent": 1, "proxy": 1, "codes": 1])
        #expect(all.result["limits_need"] == [:])
        // Looking has counted nothing.
        #expect(try levels(["user": "1000"]).used == ["network": 1, "account": 1, "target": 1])
        #expect(try house.call("source.show", ["source": "198.51.100.7", "user": 7])["code"] == -32602)
    }

    private func others(_ house: House, _ request: JSONValue) throws -> [String: String] {
        let steps = try house.call("policy.test", ["request": request])["steps"]?.array ?? []
        let others = steps.filter { $0["taken"] == false }
        #expect(steps.suffix(others.count) == others[...])
        return Dictionary(
            uniqueKeysWithValues: others.map { ($0["step"]?.string ?? "", $0["outcome"]?.string ?? "") })
    }

    @Test func limitsThatDecidedNothingAreTold() throws {
        let house = try House(policy: strict)
        for _ in 0..<2 { try house.call("guard.check", request()) }
        // Here the limits are asked, but for those on reports.
        let asked = try others(house, request())
        #expect(
            asked["limit few-requests"] == nil && asked["limit few-failures"] == "conforms: 0 of 2 auth_failed, enforce"
        )
        let level = "conforms: 2 of 3 requests, enforce"
        // A mark decides before them, a ban before everything, and so does the allow list.
        let marked = try others(house, request("198.51.100.7", "friendly-scanner"))
        #expect(marked["limit few-requests"] == level)
        try house.call("ban.add", ["address": "198.51.100.7", "by": "test"])
        #expect(try others(house, request())["limit few-requests"] == level)
        #expect(try others(house, request("203.0.113.9"))["limit few-requests"] == "conforms: 0 of 3 requests, enforce")
        #expect(try house.call("source.show", ["source": "198.51.100.7"])["requests"] == 2)
    }

    @Test func theAnswerBudgetIsTold() throws {
        let house = try House(policy: strict)
        let scan = request("198.51.100.7", "friendly-scanner")
        let first = try #require(try outcome(house, scan, "answer budget"))
        #expect(first.hasPrefix("source 0 of ") && first.contains(", all 0 of "))
        try house.call("guard.check", scan)
        #expect(try house.call("source.show", ["source": "198.51.100.7"])["answer_budget"]?["used"] == 1)
    }
}

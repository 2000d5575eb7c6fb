import JSON
import Policy
import Testing

@testable import Guard

@Suite struct FeedTests {
    private static let policy = """
        version: 1
        extends: default
        own_addresses: [203.0.113.200]
        trusted_proxies: [203.0.113.201]
        allow: [203.0.113.202]
        feeds:
          - { name: sure, path: /never/a, weight: 100, purpose: scan }
          - { name: hint, path: /never/b, weight: 60 }
          - { name: partners, path: /never/c, list: allow }
          - { name: trial, path: /never/d, weight: 100, mode: shadow }

        """
    let house: House
    init() throws { house = try House(policy: Self.policy) }

    private func give(_ name: String, _ networks: [String]) throws {
        let rule = try #require(house.state.feedRules.first { $0.name == name })
        let content = FeedContent(prefixes: try networks.map { try #require(Prefix($0)) }, badLines: [], badCount: 0)
        house.state.feed(rule, holds: content, nextTry: Clock.now + .seconds(5))
    }

    private func check(_ source: String, _ members: JSONObject = [:]) throws -> JSONValue {
        var params: JSONObject = ["source_ip": .string(source), "method": "OPTIONS", "user_agent": "Yealink SIP-T46S"]
        for member in members.members { params[member.key] = member.value }
        return try house.call("guard.check", .object(params))
    }

    @Test func aFeedOfFullWeightDecidesAlone() throws {
        #expect(try check("203.0.113.7")["verdict"] == "pass")
        try give("sure", ["203.0.113.0/28"])
        let result = try check("203.0.113.7")
        #expect(result["verdict"] != "pass" && result["rule"] == "sure")
        #expect(try check("203.0.113.16")["verdict"] == "pass")
        #expect(try house.call("stats.get")["signatures"]?["sure"] == 1)
        try give("sure", [])
        #expect(try check("203.0.113.7")["verdict"] == "pass")
    }

    @Test func aLighterFeedAddsToTheMarks() throws {
        try give("hint", ["203.0.113.0/28"])
        #expect(try check("203.0.113.7")["verdict"] == "pass")
        let steps = try house.call(
            "policy.test", ["request": ["source_ip": "203.0.113.7", "method": "OPTIONS"]])["steps"]?.array
        #expect(
            steps?.contains { $0["step"] == "feed hint" && $0["outcome"]?.string?.hasPrefix("+60") == true } == true)
        try give("sure", ["203.0.113.7"])
        #expect(try check("203.0.113.7")["rule"] == "sure")
    }

    @Test func neverHitsWhoIsProtectedOrTrusted() throws {
        try give("sure", ["203.0.113.0/24", "198.51.100.0/24"])
        for protected in ["203.0.113.200", "203.0.113.201", "203.0.113.202"] {
            #expect(try check(protected)["verdict"] == "pass", "\(protected)")
        }
        try house.call("guard.report", ["source_ip": "198.51.100.9", "outcome": "auth_ok", "user": "1001"])
        #expect(try check("198.51.100.9", ["from_user": "1001"])["verdict"] == "pass")
        #expect(try check("198.51.100.10")["verdict"] != "pass")
    }

    @Test func anAllowFeedPasses() throws {
        try give("sure", ["203.0.113.0/24"])
        try give("partners", ["203.0.113.7"])
        #expect(try check("203.0.113.7")["rule"] == "allow")
        #expect(try house.call("ban.add", ["address": "203.0.113.7"])["data"]?["protected"] == "allow")
        #expect(try check("203.0.113.8")["rule"] == "sure")
    }

    @Test func nobodyBansANetworkOfAnAllowFeedByMistake() throws {
        try give("partners", ["203.0.113.7", "2001:db8:7::/48"])
        for network in ["203.0.113.7", "203.0.113.0/29", "2001:db8:7:1::/64", "2001:db8::/32"] {
            let refused = try house.call("ban.add", ["address": .string(network)])
            #expect(refused["code"] == -32010 && refused["data"]?["protected"] == "allow", "\(network)")
        }
        for network in ["203.0.113.8/29", "2001:db8:8::/48"] {
            #expect(try house.call("ban.add", ["address": .string(network)])["rule"] == "manual", "\(network)")
        }
    }

    @Test func aFeedInShadowModeOnlyTells() throws {
        try give("trial", ["203.0.113.7"])
        let result = try check("203.0.113.7")
        #expect(result["verdict"] == "pass" && result["shadow"]?["rule"] == "trial")
    }

    @Test func whatGoesWrongLeavesTheListAsItWas() throws {
        try give("sure", ["203.0.113.7"])
        let rule = try #require(house.state.feedRules.first { $0.name == "sure" })
        house.state.feed(rule, failed: "the server is asleep", nextTry: Clock.now + .seconds(30))
        #expect(try check("203.0.113.7")["rule"] == "sure")
        let feed = try house.call("feed.list")["feeds"]?[0]
        #expect(feed?["error"] == "the server is asleep" && feed?["entries"] == 1 && feed?["name"] == "sure")
        #expect((0..<60).contains(feed?["age_seconds"]?.int64 ?? -1) && feed?["next_try"] != .null)
    }

    @Test func aStaleFeedIsAnAlarmUntilItIsFresh() throws {
        let rule = try #require(house.state.feedRules.first { $0.name == "sure" })
        let start = Clock.now
        func alarms(at seconds: Int) throws -> [JSONValue] {
            house.state.judgeAlarms(start + .seconds(seconds))
            return try house.call("stats.get")["alarms"]?.array ?? []
        }
        #expect(try alarms(at: 0).isEmpty)
        house.state.feed(rule, failed: "refused", nextTry: start)
        #expect(try alarms(at: 1).map { $0["alarm"] } == ["feed-stale"])
        try give("sure", ["203.0.113.7"])
        #expect(try alarms(at: 2).isEmpty)
        house.state.feed(rule, failed: "refused", nextTry: start)
        #expect(try alarms(at: 10).isEmpty, "younger than three times its interval")
        #expect(try alarms(at: 20).map { $0["subject"] } == ["sure"])
    }

    @Test func feedsOfTheNextPolicyTakeTheirOwnLists() throws {
        let folder = TemporaryDirectory()
        folder.write(Self.policy, to: "policy.yaml")
        let house = try House(policy: Self.policy, path: folder.file("policy.yaml"))
        let rule = try #require(house.state.feedRules.first)
        let content = FeedContent(prefixes: [try #require(Prefix("203.0.113.7"))], badLines: [], badCount: 0)
        house.state.feed(rule, holds: content, nextTry: Clock.now)
        // The same feed in another place keeps its list; one of the same name from elsewhere begins empty.
        let moved = Self.policy.replacing("feeds:\n", with: "feeds:\n  - { name: new, path: /never/e, weight: 1 }\n")
        folder.write(moved, to: "policy.yaml")
        try house.call("policy.reload")
        let question: JSONValue = ["source_ip": "203.0.113.7", "method": "OPTIONS"]
        #expect(try house.call("guard.check", question)["rule"] == "sure")
        folder.write(moved.replacing("/never/a", with: "/never/f"), to: "policy.yaml")
        try house.call("policy.reload")
        #expect(try house.call("guard.check", ["source_ip": "203.0.113.7", "method": "REGISTER"])["rule"] == "default")
    }
}

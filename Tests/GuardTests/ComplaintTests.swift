import JSON
import Policy
import Testing

@testable import Guard

/// What people have complained of in other tools, each with the issue in which they did.
@Suite struct ComplaintTests {
    private let own = "version: 1\nextends: default\nown_addresses: [192.0.2.2]\n"

    private func register(_ source: String, _ user: String = "1000", _ members: JSONObject = [:]) -> JSONValue {
        var params: JSONObject = [
            "source_ip": .string(source), "method": "REGISTER", "from_user": .string(user), "transport": "udp",
        ]
        for member in members.members { params[member.key] = member.value }
        return .object(params)
    }

    private func report(_ house: House, _ outcome: String, _ source: String, _ user: String = "1000") throws {
        try house.call(
            "guard.report", ["source_ip": .string(source), "outcome": .string(outcome), "user": .string(user)])
    }

    /// fail2ban#1000, #822, #1927 and #1999: the own exchange was banned, since the log line named the host in From.
    @Test(arguments: ["192.0.2.2", "198.51.100.9", "0.0.0.101"])
    func aHostThatARequestNamesIsNotItsSource(named: String) throws {
        let house = try House(policy: own)
        let host = JSONValue.string(named)
        for number in 0..<200 {
            let request = register(
                "203.0.113.50", "\(number)",
                ["from_domain": host, "to_domain": host, "via_host": host, "contact": .string("<sip:1@\(named)>")])
            try house.call("guard.check", request)
            try report(house, "unknown_user", "203.0.113.50", "\(number)")
        }
        #expect(try house.verdict(register("203.0.113.50", "77")) != "pass")
        #expect(try house.call("source.show", ["source": host])["known"] == false)
        #expect(try house.verdict(register(named)) == "pass")
        let banned = try house.call("ban.list")["bans"]?.array?.map { $0["address"] }
        #expect(banned == [] || banned == ["203.0.113.50"])
    }

    /// fail2ban#2163: customers were banned for the 401 that begins each of their logins.
    @Test func aLimitOfThreeFailuresCountsNoChallenge() throws {
        let house = try House(
            policy: own + "limits: [{ name: strict, count: failures, limit: 3 per 10m, purpose: cracking }]\n")
        for _ in 0..<100 {
            #expect(try house.verdict(register("198.51.100.9")) == "pass")
            try report(house, "challenged", "198.51.100.9")
        }
        for _ in 0..<4 { try report(house, "auth_failed", "198.51.100.9") }
        #expect(try house.call("guard.check", register("198.51.100.9"))["rule"] == "strict")
    }

    /// FreePBX's responsive firewall blocked "with no logging giving any clue as to why".
    @Test func whateverIsRefusedNamesItsReasonAndIsFoundAgain() throws {
        let house = try House(
            policy: own + "limits: [{ name: twice, count: requests, limit: 2 per 10m, purpose: flood }]\n")
        try house.call("ban.add", ["address": "203.0.113.3", "comment": "called us names", "by": "ops"])
        for _ in 0..<2 { try house.call("guard.check", register("203.0.113.2")) }
        let refused = [
            ("203.0.113.1", "friendly-scanner", "ua-friendly-scanner"), ("203.0.113.2", "phone", "twice"),
            ("203.0.113.3", "phone", "ban"),
        ]
        for (source, agent, rule) in refused {
            let result = try house.call("guard.check", register(source, "1000", ["user_agent": .string(agent)]))
            #expect(result["verdict"] != "pass" && result["rule"]?.string == rule)
            let shown = try house.call("source.show", ["source": .string(source)])
            #expect(shown["last"]?["decision"] == result["decision"] && shown["last"]?["rule"]?.string == rule)
            #expect(shown["last"]?["verdict"] == result["verdict"])
        }
        let ban = try house.call("source.show", ["source": "203.0.113.3"])["ban"]
        #expect(ban?["comment"] == "called us names" && ban?["by"] == "ops")
    }

    /// opensips PR#456 and FreePBX#99: customers were blocked, and nobody could let them go.
    @Test func whoeverIsLetGoIsServedAtOnce() throws {
        let house = try House(policy: own + "ban: { after: 20 }\n")
        let office = "198.51.100.9"
        for number in 0..<60 {
            try house.call("guard.check", register(office, "\(number)", ["transport": "tcp"]))
            try report(house, "unknown_user", office, "\(number)")
        }
        #expect(try house.verdict(register(office, "2000")) == "drop")
        let ban = try house.call("ban.list")["bans"]?[0]
        #expect(ban?["address"]?.string == office && ban?["rule"] == "enumeration")
        // The ban goes, what it was for does not, and that is said.
        let lifted = try house.call("ban.remove", ["address": .string(office)])
        #expect(lifted["removed"] == true && lifted["held_by"]?.string?.hasPrefix("enumeration") == true)
        #expect(try house.call("guard.check", register(office, "2000"))["rule"] == lifted["held_by"])
        #expect(try house.call("source.forget", ["source": .string(office)])["forgotten"] == true)
        for phone in 2000..<2050 {
            #expect(try house.verdict(register(office, "\(phone)")) == "pass")
            try report(house, phone.isMultiple(of: 10) ? "auth_failed" : "auth_ok", office, "\(phone)")
        }
    }

    /// dsiprouter#148: "if we whitelist, an attacker spoofs the carrier"; and #54: the proxy in front was banned.
    @Test func aCarrierOrProxyWhoseAddressIsForgedKeepsItsCalls() throws {
        let house = try House(policy: own + "trusted_proxies: [203.0.113.8]\n")
        for number in 0..<400 {
            let scan = register("203.0.113.8", "\(number)", ["user_agent": "friendly-scanner"])
            #expect(try house.verdict(scan) != "pass")
            try report(house, "auth_failed", "203.0.113.8", "\(number)")
            let call = register("203.0.113.8", "4930", ["method": "INVITE", "ruri": "sip:49301234567@pbx"])
            #expect(try house.verdict(call) == "pass")
        }
        #expect(try house.call("ban.list")["total"] == 0)
    }

    /// ModernUO#2556: a list named a thousand addresses that customers share.
    @Test func customersInANetworkThatAListNamesAreServed() throws {
        let house = try House(policy: own + "feeds: [{ name: hints, path: /never, weight: 60 }]\n")
        let rule = try #require(house.state.feedRules.first)
        let content = FeedContent(prefixes: [Prefix("198.51.100.0/24")!], badLines: [], badCount: 0)
        house.state.feed(rule, holds: content, nextTry: Clock.now + .seconds(5))
        for customer in 1...250 {
            let source = "198.51.100.\(customer)"
            #expect(try house.verdict(register(source, "\(customer)", ["user_agent": "Zoiper rv2.10.20"])) == "pass")
            try report(house, "auth_ok", source, "\(customer)")
        }
        #expect(try house.verdict(register("198.51.100.254", "1", ["user_agent": "friendly-scanner"])) != "pass")
    }

    /// fail2ban#1806 and others: permanent bans that people had set were gone, or ended, after a restart.
    @Test func bansWithoutAnEndStayWithoutOneAfterARestart() throws {
        let directory = TemporaryDirectory()
        let first = try House(stateFile: StateFile(path: directory.file("state.json")))
        for number in 0..<150 {
            try first.call("ban.add", ["address": .string("203.0.113.\(number)"), "by": "ops"])
            try first.call("ban.add", ["address": .string("198.51.100.\(number)/31")])
        }
        first.state.maintain()
        let second = try House(stateFile: StateFile(path: directory.file("state.json")))
        #expect(try second.state.restore().bans == 225)
        let bans = try second.call("ban.list", ["limit": 10_000])["bans"]?.array ?? []
        #expect(bans.count == 225 && bans.allSatisfy { $0["until"] == .null && $0["remaining"] == .null })
        #expect(try second.verdict(register("203.0.113.7")) == "drop")
    }

    /// kazoo-configs#95: the tool changed its User-Agent, and what was left to know it by was its SDP.
    @Test func aToolIsKnownByItsSessionNameWhateverItCallsItself() throws {
        let house = try House(
            policy: own + """
                signatures:
                  - { name: sdp-portsip, weight: 100, purpose: fraud, when: [{ sdp_session: { contains: portsip } }] }

                """)
        let invite =
            "INVITE sip:1@pbx SIP/2.0\r\nUser-Agent: Yealink SIP-T46S\r\nContent-Type: application/sdp\r\n\r\n"
            + "v=0\r\no=- 1 1 IN IP4 203.0.113.7\r\ns="
        func rule(_ session: String) throws -> JSONValue? {
            let params: JSONValue = ["source_ip": "203.0.113.7", "message": .string(invite + session + "\r\n")]
            return try house.call("guard.check", params)["rule"]
        }
        #expect(try rule("-") == "default")
        #expect(try rule("www.PortSIP.com") == "sdp-portsip")
    }

    /// freeswitch#566: a filter on domains that are addresses, which many phones have.
    @Test func aPhoneWhoseDomainIsAnAddressIsAPhone() throws {
        let house = try House(policy: own)
        for address in ["192.0.2.2", "[2001:db8::2]"] {
            for method in ["REGISTER", "INVITE", "SUBSCRIBE", "OPTIONS"] {
                let request = register(
                    "198.51.100.9", "1000",
                    [
                        "method": .string(method), "from_domain": .string(address), "to_domain": .string(address),
                        "to_user": "1001", "ruri": .string("sip:1001@\(address)"), "user_agent": "Grandstream GXP2170",
                    ])
                #expect(try house.verdict(request) == "pass")
            }
        }
        let strict = try House(
            policy: own + """
                signatures:
                  - name: domain-is-our-address
                    weight: 100
                    purpose: scan
                    when: [{ to_domain: { equals: 192.0.2.2 } }]

                """)
        #expect(try strict.verdict(register("198.51.100.9", "1000", ["to_domain": "192.0.2.2"])) != "pass")
        #expect(try strict.verdict(register("198.51.100.9", "1000", ["to_domain": "pbx.example.com"])) == "pass")
    }

    /// dsiprouter#74: a User-Agent filter, pike, htable and fail2ban, since each of them sees what the others do not.
    @Test func marksRatesAndFailuresAreOnePolicy() throws {
        let house = try House(
            policy: own + """
                limits:
                  - { name: rate, count: requests, limit: 30 per 60s, purpose: flood }
                  - { name: guesses, key: [source, user], count: auth_failed, limit: 5 per 10m, purpose: cracking }

                """)
        #expect(try house.verdict(register("203.0.113.1", "1", ["user_agent": "sipcli/v1.8"])) != "pass")
        for _ in 0..<31 { try house.call("guard.check", register("203.0.113.2")) }
        #expect(try house.call("source.show", ["source": "203.0.113.2"])["last"]?["rule"] == "rate")
        for _ in 0..<6 { try report(house, "auth_failed", "203.0.113.3") }
        #expect(try house.call("guard.check", register("203.0.113.3"))["rule"] == "guesses")
        #expect(try house.verdict(register("198.51.100.9")) == "pass")
    }
}

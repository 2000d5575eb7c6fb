import JSON
import Policy
import Testing

@testable import Guard

private let svwar = """
    REGISTER sip:192.0.2.1 SIP/2.0\r
    Via: SIP/2.0/UDP 198.51.100.7:5122;branch=z9hG4bK-3786986852;rport\r
    Max-Forwards: 70\r
    To: "105"<sip:105@192.0.2.1>\r
    From: "105"<sip:105@192.0.2.1>;tag=3130350131313431313334363739\r
    User-Agent: friendly-scanner\r
    Call-ID: 2447410737\r
    Contact: sip:105@192.0.2.1\r
    CSeq: 1 REGISTER\r
    \r

    """

@Suite struct CheckTests {
    let house: House
    init() throws { house = try House() }

    @Test func namesOfParametersAreThoseOfFacts() {
        #expect(RequestParams.names.count == Field.allCases.count)
        for (field, name) in RequestParams.names { #expect("\(name)" == field.name) }
    }

    @Test func aCertainMarkIsAnsweredWithA200ThatDisarms() throws {
        let result = try house.call("guard.check", ["source_ip": "198.51.100.7", "message": .string(svwar)])
        #expect(result["verdict"] == "ok200" && result["variant"] == "disarm" && result["code"] == 200)
        let tag = try #require(result["from_tag"]?.string)
        #expect(tag.utf8.count == 28 && tag.utf8.allSatisfy { $0.hexValue != nil })
        let decoded = stride(from: 0, to: 28, by: 2).map { UInt8(tag.dropFirst($0).prefix(2), radix: 16)! }
        #expect(decoded.filter { $0 == 1 }.count == 2 && decoded[0] != 1, "the tool's decoder expects one byte 01")
    }

    @Test func noTwoDisarmTagsAreAlike() throws {
        let tags = try (0..<5).map { number in
            try house.call("guard.check", ["source_ip": .string("198.51.100.\(number)"), "message": .string(svwar)])[
                "from_tag"]
        }
        #expect(Set(tags.map { $0?.string ?? "none" }).count == 5)
    }

    struct Bad: CustomTestStringConvertible {
        let params: JSONValue
        let param: String
        var testDescription: String { params.text }
    }

    static let bad: [Bad] = [
        Bad(params: [:], param: "source_ip"),
        Bad(params: ["source_ip": 7, "method": "OPTIONS"], param: "source_ip"),
        Bad(params: ["source_ip": "", "method": "OPTIONS"], param: "source_ip"),
        Bad(params: ["source_ip": "192.0.2.300", "method": "OPTIONS"], param: "source_ip"),
        Bad(params: ["source_ip": "192.0.2.1\u{0}", "method": "OPTIONS"], param: "source_ip"),
        Bad(params: ["source_ip": "192.0.2.1"], param: "method"),
        Bad(params: ["source_ip": "192.0.2.1", "method": 1], param: "method"),
        Bad(params: ["source_ip": "192.0.2.1", "method": "OPTIONS", "from_user": ["a"]], param: "from_user"),
        Bad(params: ["source_ip": "192.0.2.1", "method": "OPTIONS", "cseq": "1"], param: "cseq"),
        Bad(params: ["source_ip": "192.0.2.1", "method": "OPTIONS", "source_port": 50.5], param: "source_port"),
        Bad(params: ["source_ip": "192.0.2.1", "method": "OPTIONS", "transport": "sctpx"], param: "transport"),
        Bad(params: ["source_ip": "192.0.2.1", "method": "OPTIONS", "count": 0], param: "count"),
        Bad(params: ["source_ip": "192.0.2.1", "method": "OPTIONS", "count": 1_000_001], param: "count"),
        Bad(
            params: ["source_ip": "192.0.2.1", "method": "OPTIONS", "auth_nonce_valid": "yes"],
            param: "auth_nonce_valid"),
        Bad(params: ["source_ip": "192.0.2.1", "message": 7], param: "message"),
        Bad(params: ["source_ip"], param: "params"),
    ]

    @Test(arguments: bad)
    func namesTheBadParameter(_ bad: Bad) throws {
        let error = try house.call("guard.check", bad.params)
        #expect(error["code"] == -32602)
        #expect(error["data"]?["param"]?.string == bad.param)
        #expect(error["data"]?["problem"]?.string?.isEmpty == false)
    }

    @Test(
        arguments: [
            ["source_ip": "192.0.2.1", "method": "OPTIONS", "from_user": .null, "surprise": ["deep": 1]],
            ["source_ip": "::ffff:192.0.2.1", "method": "OPTIONS", "transport": "UDP"],
            ["source_ip": "[2001:db8::1]", "method": "", "count": 100],
            ["source_ip": "192.0.2.1", "message": ""],
            ["source_ip": "192.0.2.1", "message": "\u{0}\u{0}\u{ff}\r\n\r\n garbage"],
            ["source_ip": "192.0.2.1", "message": "REGISTER"],
            ["source_ip": "192.0.2.1", "method": "OPTIONS", "user_agent": "\u{0}\u{1}\u{ff}"],
        ] as [JSONValue])
    func passesWhatItCannotRead(_ params: JSONValue) throws {
        #expect(try house.verdict(params) == "pass")
    }

    @Test func oddBytesHideNoMark() throws {
        for text in [
            "friendly-scanner\u{0}", "\u{FF}friendly-scanner",
            "FRIENDLY-SCANNER " + String(repeating: "x", count: 5000),
        ] {
            #expect(
                try house.verdict(["source_ip": "198.51.100.9", "method": "OPTIONS", "user_agent": .string(text)])
                    != "pass")
        }
    }

    @Test func aFactGivenSinglyWins() throws {
        let params: JSONValue = [
            "source_ip": "198.51.100.9", "user_agent": "friendly-scanner",
            "message": "OPTIONS sip:a SIP/2.0\r\nUser-Agent: Yealink\r\n\r\n",
        ]
        #expect(try house.verdict(params) != "pass")
    }

    @Test func allAddressesOfAnIPv6NetworkAreOneSource() throws {
        for number in 1...3 {
            try house.call("guard.check", ["source_ip": .string("2001:db8::\(number)"), "method": "OPTIONS"])
        }
        let source = try house.call("source.show", ["source": "2001:db8::ffff"])
        #expect(source["requests"] == 3 && source["key"] == "2001:db8::/64")
    }

    @Test func onlyRolesThatMayAreServed() throws {
        let asker = house.connection(role: .ask)
        #expect(try asker.verdict(["source_ip": "192.0.2.1", "method": "OPTIONS"]) == "pass")
        for method in ["stats.get", "ban.list", "ban.add", "policy.reload", "source.forget", "rpc.discover"] {
            #expect(try asker.call(method)["code"] == -32003, "\(method)")
        }
        let reader = house.connection(role: .read)
        #expect(try reader.call("stats.get")["requests"] != nil)
        for method in ["ban.add", "ban.remove", "allow.add", "allow.remove", "policy.reload", "source.forget"] {
            #expect(try reader.call(method)["data"]?["needs"] == "admin", "\(method)")
        }
    }
}

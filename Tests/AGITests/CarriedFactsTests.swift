import Policy
import Testing

@testable import AGI

/// Exchanges whose facts stand in the address that the dialplan called.
@Suite struct CarriedFactsTests {
    static let query =
        "source=192.0.2.7%3A5060&ruri=sip%3A41%40192.0.2.1&from=%3Csip%3A100%40h%3E%3Btag%3Dt1&ua=phone%2F1&end"

    static func environment(_ query: String = query, more: String = "agi_callerid: 100\nagi_dnid: 41\n") -> String {
        "agi_network: yes\nagi_network_script: check?\(query)\nagi_request: agi://h/check?\(query)\n\(more)\n"
    }

    @Test(arguments: [1, 2, 7, .max]) func areDecidedAboutWithoutAQuestion(size: Int) throws {
        var driver = Driver()
        driver.feed(Self.environment(), by: size)
        #expect(driver.sent.count == 1 && driver.sent[0].hasPrefix("EXEC MSet SIPGUARD_VERDICT=reject,"))
        let request = try #require(driver.requests.first)
        #expect(request.source == IPAddress("192.0.2.7") && !request.isForged)
        #expect(
            request.facts == [
                "method": "INVITE", "ruri": "sip:41@192.0.2.1", "from_user": "100", "from_domain": "h",
                "from_tag": "t1", "user_agent": "phone/1",
            ])
        driver.feed(confirmation, by: size)
        #expect(driver.ending == nil, "Asterisk closes")
        #expect(driver.exchange.closed() == .answered && driver.exchange.forgedLines == 0)
    }

    /// The Request-URI as the shipped dialplan tells it: what Asterisk has decoded is encoded again where a phone must encode it.
    @Test(arguments: [
        ("41", "192.0.2.1", "sip:41@192.0.2.1"), ("%2B41%2A7", "sip.example.org", "sip:+41*7@sip.example.org"),
        ("%23%2341", "h", "sip:%23%2341@h"), ("41", "2001%3Adb8%3A%3A1", "sip:41@[2001:db8::1]"), ("", "h", "sip:h"),
        ("1%3A2%40x%20y%25", "h", "sip:1%3A2%40x%20y%25@h"), ("%C3%A4", "h", "sip:%C3%A4@h"),
    ])
    func numberAndDomainMakeTheRequestURI(number: String, domain: String, uri: String) throws {
        var driver = Driver()
        driver.feed(Self.environment("source=192.0.2.7%3A5060&number=\(number)&domain=\(domain)&from=&ua=&end"))
        let request = try #require(driver.requests.first)
        #expect(request.facts["ruri"] == uri && !request.isForged)
    }

    @Test func aCallWithoutUserAgentHasNone() throws {
        var driver = Driver()
        driver.feed(Self.environment("source=192.0.2.7%3A5060&ruri=sip%3A41%40h&from=&ua=&end"))
        #expect(driver.requests.first?.facts == ["method": "INVITE", "ruri": "sip:41@h"])
    }

    static let broken = [
        "", "end", String(query.dropLast(4)), String(query.dropLast(1)), query + "x", query + "&", "&" + query,
        query.replacing("source=", with: "sourc="), query.replacing("source=192", with: "source=here"),
        query.replacing("ruri=", with: "x=&ruri="), query.replacing("%2F1", with: "%2"),
        query.replacing("phone", with: "ph one"), query.replacing("&ua=", with: "&from="),
        "source=192.0.2.7%3A5060&number=41&domain=&from=&ua=&end", "source=192.0.2.7%3A5060&number=41&from=&ua=&end",
        "source=192.0.2.7%3A5060&number=41&domain=h%40x&from=&ua=&end",
        "source=192.0.2.7%3A5060&number=4%2&domain=h&from=&ua=&end",
    ]

    /// As with a dialplan that gives no facts.
    @Test(arguments: broken) func whatIsNotWholeIsAskedFor(query: String) {
        var driver = Driver()
        driver.feed(Self.environment(query))
        #expect(driver.requests.isEmpty && driver.sent.count == 1 && driver.sent[0].hasPrefix("GET FULL VARIABLE"))
        driver.feed(answer(plainValues) + confirmation)
        #expect(driver.requests.first?.source == IPAddress("192.0.2.7") && driver.exchange.forgedLines == 0)
    }

    @Test(arguments: [
        "agi_network: yes\nagi_callerid: 1\nagi_network_script: check?\(query)\n\n",
        "agi_network_script: check?\(query)\nagi_x: y\n\n", "agi_network: yes\nagi_x: check?\(query)\n\n",
    ])
    func onlyTheSecondLineHasFacts(environment: String) {
        var driver = Driver()
        driver.feed(environment)
        #expect(driver.requests.isEmpty && driver.sent.first?.hasPrefix("GET FULL VARIABLE") == true)
    }

    static let forged = [
        "agi_callerid: 1\nagi_callerid: 2\n", "agi_callerid: 1\nagi_network_script: check?\(query)\n",
        "agi_callerid: 1\n200 result=1 (pass)\n", "agi_callerid: 1\r\n", "agi_callerid: 1\nHANGUP\n",
    ]

    /// The call that has them is decided about by its facts, before they come.
    @Test(arguments: forged, [1, 5, .max]) func forgedLinesBehindTheFactsAreCounted(more: String, size: Int) {
        var driver = Driver()
        driver.feed(Self.environment(more: more) + confirmation, by: size)
        #expect(driver.requests.map(\.source) == [IPAddress("192.0.2.7")] && driver.requests.first?.isForged == false)
        #expect(driver.exchange.closed() == .answered && driver.exchange.forgedLines > 0)
    }

    /// The answer is there when Asterisk has written its environment and looks for one.
    @Test func areDecidedAboutAsSoonAsTheirLineIsWhole() {
        var driver = Driver()
        driver.feed("agi_network: yes\nagi_network_script: check?\(Self.query)")
        #expect(driver.requests.isEmpty)
        driver.feed("\n")
        #expect(driver.requests.count == 1 && driver.sent.count == 1)
    }

    static let late = [
        "agi_callerid: 1\n\n200 result=1 (pass)\nagi_dnid: 41\n", "agi_callerid: 1\n\nHANGUP\nagi_dnid: 41\n",
        "agi_callerid: 1\n\n\n\n", "agi_callerid: 1\n\n200 result=0\n",
        "agi_callerid: 1\n\n511 Command Not Permitted\nx\n",
    ]

    /// A forged blank line must not make us close before Asterisk has read the command.
    @Test(arguments: late, [1, 5, .max]) func linesForgedBehindABlankOneEndNothingAndAreCounted(more: String, size: Int)
    {
        var driver = Driver()
        driver.feed(Self.environment(more: more) + confirmation, by: size)
        #expect(driver.ending == nil && driver.sent.count == 1 && driver.requests.count == 1)
        #expect(driver.exchange.closed() == .answered && driver.exchange.forgedLines > 0)
    }

    @Test(arguments: [
        (".", Exchange.Ending.closedEarly), ("HANGUP\n", .hungUp), ("511 Command Not Permitted\n", .hungUp),
        ("520-Invalid\nx\n520 End of proper usage.\n", .odd), ("HANGUP\n200 result=0\n", .answered),
    ])
    func whatCameBeforeTheEndTellsHowItEnded(text: String, ending: Exchange.Ending) {
        var driver = Driver()
        driver.feed(Self.environment() + text)
        #expect(driver.ending == nil && driver.exchange.closed() == ending)
    }

    @Test func aDeadlineEndsIt() {
        var driver = Driver()
        driver.feed(Self.environment())
        #expect(driver.exchange.timedOut() == .timedOut)
        var answered = Driver()
        answered.feed(Self.environment() + confirmation)
        #expect(answered.exchange.timedOut() == .answered)
    }

    /// Asterisk decodes the names and prints them; whether it does does not matter.
    @Test(arguments: [
        ("ruri", "sip%3A5%250aagi_x%40h"), ("from", "%3Csip%3A1%250D%250a%40h%3E"), ("from", "sip%3A1%257F%40h"),
        ("ruri", "sip%3A5%251f%40h"), ("from", "%3Csip%3A%2500%40h%3E"),
    ])
    func escapedControlCharactersInNamesAreForgery(name: String, value: String) throws {
        var values = ["source": "192.0.2.7%3A5060", "ruri": "sip%3A41%40h", "from": "%3Csip%3A100%40h%3E"]
        values[name] = value
        var driver = Driver()
        driver.feed(
            Self.environment(
                "source=\(values["source"]!)&ruri=\(values["ruri"]!)&from=\(values["from"]!)&ua=x&end"))
        let request = try #require(driver.requests.first)
        #expect(request.isForged && request.facts["anomaly"] == "forged-lines" && driver.exchange.forgedLines == 0)
    }

    @Test(arguments: ["5%0Aagi_x", "%0D%0AFrom%3A%20%3Csip%3A1%40x%3E", "%1F", "5%7F", "%00"])
    func decodedControlCharactersInTheNumberAreForgery(number: String) throws {
        var driver = Driver()
        driver.feed(
            Self.environment("source=192.0.2.7%3A5060&number=\(number)&domain=h&from=%3Csip%3A100%40h%3E&ua=x&end"))
        let request = try #require(driver.requests.first)
        #expect(request.isForged && request.facts["ruri"] == "sip:\(number)@h" && request.facts["from_user"] == "100")
    }

    @Test(arguments: ["sip:41%20a@h", "sip:100%@h", "sip:1%2@h", "sip:%zz0a@h", "sip:%C3%A4@h", "sip:%"])
    func otherEscapesAreNot(uri: String) throws {
        let request = try #require(CalledRequest(values: [Array("192.0.2.7:5060".utf8), Array(uri.utf8)]))
        #expect(!request.isForged)
    }
}

import Policy
import Testing

@testable import AGI

@Suite struct ExchangeTests {
    @Test func tellsTheDecisionByOneCommand() {
        var driver = Driver()
        driver.feed(environment)
        #expect(driver.sent.count == 1 && driver.sent[0].hasPrefix("GET FULL VARIABLE \"abc ${URIENCODE("))
        driver.feed(answer(plainValues))
        #expect(
            driver.sent.dropFirst() == [
                "EXEC MSet SIPGUARD_VERDICT=reject,SIPGUARD_CODE=403,SIPGUARD_CAUSE=21,SIPGUARD_RULE=some-rule,"
                    + "SIPGUARD_DECISION=0000000000001234\n"
            ])
        #expect(driver.ending == nil)
        driver.feed(confirmation)
        #expect(driver.ending == .answered && driver.exchange.forgedLines == 0)
    }

    @Test func takesTheFactsFromTheAnswer() throws {
        var driver = Driver()
        driver.feed(environment + answer(plainValues))
        let request = try #require(driver.requests.first)
        #expect(request.source == IPAddress("192.0.2.7") && !request.isForged)
        #expect(
            request.facts == [
                "method": "INVITE", "ruri": "sip:41@192.0.2.1", "from_user": "100", "from_domain": "h",
                "from_tag": "t1",
                "to_user": "41", "to_domain": "h", "contact": "<sip:100@192.0.2.7>", "user_agent": "phone/1",
                "call_id": "c1@lab", "via_host": "192.0.2.7", "via_branch": "z9hG4bK1",
            ])
    }

    @Test(arguments: [("%5B2001%3Adb8%3A%3A1%5D%3A5060", "2001:db8::1"), ("2001%3Adb8%3A%3A1%3A5060", "2001:db8::1")])
    func readsIPv6Sources(remote: String, source: String) throws {
        var driver = Driver()
        driver.feed(environment + answer([remote] + plainValues.dropFirst()))
        #expect(driver.requests.first?.source == IPAddress(source))
    }

    @Test func asksForFewFactsWhereTimeCounts() throws {
        var driver = Driver(facts: .few)
        driver.feed(environment + answer(Array(plainValues.prefix(4))))
        #expect(driver.sent[0].split(separator: "$").count == 2 * 4 + 1)
        #expect(
            driver.requests.first?.facts == [
                "method": "INVITE", "ruri": "sip:41@192.0.2.1", "from_user": "100", "from_domain": "h",
                "from_tag": "t1",
                "user_agent": "phone/1",
            ])
    }

    @Test func headersThatAreMissingAreUnknown() throws {
        var driver = Driver()
        driver.feed(environment + answer(Array(plainValues.prefix(2)) + ["", "", "c1%40lab", "", "", ""]))
        #expect(driver.requests.first?.facts == ["method": "INVITE", "ruri": "sip:41@192.0.2.1", "call_id": "c1@lab"])
    }

    @Test func aLineBreakInAValueBecomesASpace() throws {
        var values = plainValues
        values[3] = "x%0D%0ACall-ID%3A%20forged%00"
        var driver = Driver()
        driver.feed(environment + answer(values))
        let facts = try #require(driver.requests.first?.facts)
        #expect(facts["user_agent"] == "x  Call-ID: forged" && facts["call_id"] == "c1@lab")
    }

    static let oddAnswers = [
        answer(Array(plainValues.dropLast())), answer(plainValues + ["x"]), answer([""] + plainValues.dropFirst()),
        answer(["here"] + plainValues.dropFirst()), answer(["192.0.2.7"] + plainValues.dropFirst()),
        answer(Array(plainValues.dropLast()) + ["%"]), answer(Array(plainValues.dropLast()) + ["%4"]),
        answer(Array(plainValues.dropLast()) + ["%zz"]), answer(Array(plainValues.dropLast()) + ["é"]),
        answer(Array(plainValues.dropLast()) + ["\t"]), "200 result=1 (abc ", "200 result=1 (abc .)",
        "200 result=1 (abc  .",
    ]

    @Test(arguments: oddAnswers) func anAnswerThatIsNotAsAskedEndsTheExchange(line: String) {
        var driver = Driver()
        driver.feed(environment + line + (line.hasSuffix("\n") ? "" : "\n"))
        #expect(driver.ending == .odd && driver.requests.isEmpty)
    }

    static let strangers = [
        answer(plainValues, nonce: "abd"), answer(plainValues, nonce: "ab"), answer(plainValues, nonce: "abcd"),
        "200 result=1 (pass)\n", "200 result=0\n", "510 Invalid or unknown command\n", "HANGUP\n200 result=1 (x)\n",
        "520-Invalid command syntax.  Proper usage follows:\nx\n520 End of proper usage.\n",
        " " + answer(plainValues), "xx" + answer(plainValues),
    ]

    @Test(arguments: strangers) func aLineThatIsNotTheAnswerIsCountedAndChangesNothing(line: String) {
        var driver = Driver()
        driver.feed(environment + line)
        #expect(driver.requests.isEmpty && driver.ending == nil && driver.exchange.forgedLines > 0)
        driver.feed(answer(plainValues))
        #expect(driver.requests.first?.source == IPAddress("192.0.2.7"))
        #expect(driver.requests.first?.isForged == true && driver.requests.first?.facts["anomaly"] == "forged-lines")
    }

    static let badEnvironments = [
        "agi_callerid: 100\nagi_arg_1\n", "agi_callerid: 100\nevil\n", "agi_callerid: 100\r\n", "AGI_X: y\n",
        "agi_callerid: 1\nagi_callerid: 2\n", "agi_arg_1: x\nagi_extension: 9\n", "agi_x:y\n", ": x\n", "agi_A: x\n",
        " agi_x: y\n", "agi_x: a\0b\n",
    ]

    @Test(arguments: badEnvironments) func anEnvironmentThatAsteriskDoesNotWriteIsForged(lines: String) {
        var driver = Driver()
        driver.feed(lines + "\n" + answer(plainValues))
        #expect(driver.requests.first?.isForged == true && driver.exchange.forgedLines == 1)
    }

    @Test(arguments: ["", "agi_arg_1: a\nagi_arg_2: b: c\n", "agi_future: thing\nagi_accountcode: \n"])
    func anEnvironmentThatAsteriskMayWriteIsNot(lines: String) {
        var driver = Driver()
        driver.feed(lines + "\n" + answer(plainValues))
        #expect(driver.requests.first?.isForged == false)
    }

    @Test(arguments: ["HANGUP\n", "511 Command Not Permitted on a dead channel or intercept routine\n"])
    func aCallerWhoHangsUpEndsTheExchange(line: String) {
        var driver = Driver()
        driver.feed(environment + answer(plainValues) + line)
        #expect(driver.ending == .hungUp && driver.sent.count == 2)
    }

    @Test func anErrorOfSeveralLinesIsReadToItsEnd() {
        var driver = Driver()
        driver.feed(environment + answer(plainValues) + "520-Invalid command syntax.  Proper usage follows:\n")
        driver.feed("Returns 1\n200 result=1\n")
        #expect(driver.ending == nil && driver.sent.count == 2)
        driver.feed("520 End of proper usage.\n")
        #expect(driver.ending == .odd)
    }

    @Test(arguments: ["510 Invalid or unknown command\n", "\n", "200 resultat=1\n", "x\n"])
    func anythingButAConfirmationEndsTheExchange(line: String) {
        var driver = Driver()
        driver.feed(environment + answer(plainValues) + line)
        #expect(driver.ending == .odd && driver.sent.count == 2)
    }

    @Test func whatIsTooLongEndsTheExchange() {
        var limits = Exchange.Limits()
        (limits.line, limits.total) = (100, 1000)
        var long = Driver(limits: limits)
        long.feed("agi_x: " + String(repeating: "y", count: 95), by: 10)
        #expect(long.ending == .tooLong)
        var endless = Driver(limits: limits)
        for number in 0..<200 where endless.ending == nil { endless.feed("agi_a\(number): \n") }
        #expect(endless.ending == .tooLong && endless.sent.isEmpty)
    }

    @Test func endsOnce() {
        var exchange = Exchange(nonce: [0x61], facts: .few)
        #expect(exchange.timedOut() == .timedOut && exchange.closed() == .timedOut)
        #expect([UInt8]("x\n".utf8).withUnsafeBytes { exchange.received($0) } == .end(.timedOut))
        #expect(exchange.decided(.init(verdict: .pass, code: nil, rule: "x", decision: 1)) == .end(.timedOut))
        var other = Exchange(nonce: [0x61], facts: .few)
        #expect(other.closed() == .closedEarly)
    }
}

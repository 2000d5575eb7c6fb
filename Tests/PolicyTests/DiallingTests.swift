import Testing

@testable import Policy

@Suite struct DiallingTests {
    private func number<Result>(_ text: String, _ body: (DialledNumber?) -> Result) -> Result {
        Array(text.utf8).withUnsafeBufferPointer { body(DialledNumber($0)) }
    }

    @Test(arguments: [
        ("sip:+46500729221@203.0.113.5", "46500729221"), ("sip:0046500729221@203.0.113.5", "46500729221"),
        ("sip:01146500729221@203.0.113.5;user=phone", "46500729221"), ("sip:901146500729221@h", "46500729221"),
        ("sip:00046500729221@h", "46500729221"), ("sip:90046500729221@h", "46500729221"),
        ("sip:%2B46500729221@h", "46500729221"), ("tel:+46500729221", "46500729221"), ("+46500729221", "46500729221"),
        ("sip:+46500729221;phone-context=x@h", "46500729221"), ("sip:0500729221@h", nil), ("sip:2525551234@h", nil),
        ("sip:+012345678@h", nil), ("sip:1001@h", nil), ("sip:alice@h", nil), ("sip:192.0.2.1", nil),
        ("sip:[2001:db8::1]", nil), ("sip:@h", nil), ("", nil),
    ])
    func readsInternationalNumbers(uri: String, expected: String?) {
        #expect(number(uri) { $0?.international(.common)?.text } == expected)
    }

    @Test(arguments: [
        ("+46500729221", "465"), ("0046500729221", "465"), ("01146500729221", "465"), ("46500729221", "465"),
        ("90046500729221", "900465"), ("901146500729221", "9011465"), ("00046500729221", "000465"),
        ("0500729221", "05"), ("00729221", ""), ("*9900729221", "*99"),
    ])
    func writesAreOneWayAndPrefixCodesAreAnother(text: String, lead: String) {
        number(text) {
            #expect($0?.lead.text == lead)
            #expect($0?.tail?.text == "00729221")
        }
    }

    @Test(arguments: [
        ("46500729221", "46"), ("12125551234", "1"), ("78121234567", "7"), ("25261234567", "252"), ("35312345", "353"),
        ("97259518313", "972"), ("8816123456", "881"), ("212", nil),
    ])
    func tellsTheCountry(number: String, code: String?) {
        #expect(Array(number.utf8).withUnsafeBufferPointer { CountryCode.of($0)?.text } == code)
    }

    private func dialled(_ codes: [String], weight: Int = 40) -> Signature {
        Signature(
            name: "premium", tool: "unknown", purpose: .fraud, weight: weight, mode: .enforce,
            conditions: [Condition(fields: [.ruri], matcher: .dialled(codes.map { Array($0.utf8) }))])
    }

    @Test(arguments: [
        ("sip:+25261234567@h", true), ("sip:900252612345@h", true), ("sip:2525551234@h", false),
        ("sip:+12465551234@h", true), ("sip:+12125551234@h", false), ("sip:+46252123456@h", false),
    ])
    func comparesTheHeadOfTheNumber(uri: String, matches: Bool) {
        let signature = dialled(["252", "1246"])
        #expect(withFacts([.ruri: uri]) { signature.matches($0) } == matches)
    }

    private static let hunting = rule(
        .dialPrefixes, 2, per: .seconds(43_200), purpose: .fraud, LimitRule.Terms(methods: .invite))

    /// Facts: the same trailing digits behind three leading strings.
    @Test(arguments: [0.01, 1, 600])
    func theThirdPrefixOfANumberIsAHunt(spacing: Double) {
        let bench = LimitBench([Self.hunting])
        let codes = ["00", "900", "9011", "000", "9900", "9999", "76000"]
        let passed = bench.passed(every: spacing, most: 7) {
            $0.check([.method: "INVITE", .ruri: "sip:\(codes[$1])46500729221@203.0.113.5"]) != "default"
        }
        #expect(passed == 2)
    }

    @Test func theUsualWaysToDialANumberAreNone() {
        let bench = LimitBench([Self.hunting])
        for start in ["+46", "0046", "01146", "46", "0"] {
            #expect(bench.check([.method: "INVITE", .ruri: "sip:\(start)500729221@203.0.113.5"]) == "default")
        }
    }

    /// A dialler with 30 calls a second on a trunk that has logged in, and one that has not.
    @Test(arguments: [true, false])
    func aDiallerCallsManyNumbersEachInOneWay(isTrusted: Bool) {
        let bench = LimitBench([Self.hunting])
        if isTrusted { bench.report(.authOK, [.authUser: "trunk"]) }
        let passed = bench.passed(every: 1 / 30, most: 5000) {
            $0.check([.method: "INVITE", .ruri: "sip:+4650\(1_000_000 + $1 * 7919 % 8_999_999)@h"]) != "default"
        }
        #expect(passed == nil)
    }

    @Test func whatCannotBeReadIsNotCounted() {
        let bench = LimitBench([
            Self.hunting, rule(.countries, 1, per: .seconds(60), LimitRule.Terms(methods: .invite)),
        ])
        for uri in ["sip:alice@h", "sip:1001@h", "", "sip:", "sip:@", "tel:", "sip:+@h", "sip:++++++++@h"] {
            for _ in 0..<5 { #expect(bench.check([.method: "INVITE", .ruri: uri]) == "default") }
        }
    }

    // MARK: Countries weigh and never decide

    private static let countries = rule(
        .countries, 9, per: .seconds(3600), purpose: .fraud,
        LimitRule.Terms(methods: .invite, memory: .seconds(30 * 86_400), weight: 60))

    private func call(_ bench: LimitBench, _ index: Int) -> Bool {
        bench.check([.method: "INVITE", .ruri: "sip:+\(350 + index)123456@203.0.113.5"]) != "default"
    }

    @Test func manyNewCountriesAloneDecideNothing() {
        let bench = LimitBench([Self.countries])
        #expect(bench.passed(every: 1, most: 40, call) == nil)
    }

    @Test func manyNewCountriesTipTheScales() {
        let bench = LimitBench([Self.countries], signatures: [dialled(["35", "36", "37"])])
        #expect(bench.passed(every: 1, most: 40, call) == 9)
    }

    @Test func aCountryThatIsCalledEveryWeekIsNeverNew() {
        let bench = LimitBench([Self.countries], signatures: [dialled(["35", "36"])])
        #expect(bench.passed(every: 7 * 86_400 / 9, most: 200) { call($0, $1 % 9) } == nil)
        #expect(bench.passed(every: 1, most: 9) { call($0, $1) } == nil)
    }
}

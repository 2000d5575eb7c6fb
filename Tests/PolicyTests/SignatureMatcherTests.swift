import Repeatable
import Testing

@testable import Policy

@Suite struct SignatureMatcherTests {
    /// One of the four ways to compare with texts.
    enum Way: CaseIterable {
        case equals, prefix, suffix, contains

        func matcher(_ texts: [String]) -> Matcher {
            let bytes = texts.map { Array($0.utf8) }
            return switch self {
            case .equals: .equals(bytes)
            case .prefix: .prefix(bytes)
            case .suffix: .suffix(bytes)
            case .contains: .contains(bytes)
            }
        }

        /// The same, said plainly.
        func holds(_ value: String, _ text: String) -> Bool {
            let value = value.lowercased()
            return switch self {
            case .equals: value == text
            case .prefix: value.hasPrefix(text)
            case .suffix: value.hasSuffix(text)
            case .contains: value.firstRange(of: text) != nil
            }
        }
    }

    private static func signature(_ name: String, _ conditions: [Condition]) -> Signature {
        Signature(name: name, tool: "t", purpose: .scan, weight: 1, mode: .enforce, conditions: conditions)
    }

    private static func found(_ signatures: [Signature], _ texts: [Field: String]) -> [Int] {
        withFacts(texts) { facts in
            var (carried, found) = (SignatureSet(), [Int]())
            SignatureMatcher(signatures, dialling: .common).find(in: facts, &carried)
            while let index = carried.popFirst() { found.append(index) }
            return found
        }
    }

    /// Few letters, so that texts begin, end and overlap in each other as often as can be.
    private static func text(_ count: ClosedRange<Int>, _ random: inout some RandomNumberGenerator) -> String {
        String((0..<Int.random(in: count, using: &random)).map { _ in "abAB-".randomElement(using: &random)! })
    }

    /// With short texts all bytes are looked at, with longer ones some are skipped.
    @Test(arguments: 1...20, [1...4, 2...3, 3...6]) func allTextsAtOnceAreFoundAsOneByOne(
        seed: UInt64, lengths: ClosedRange<Int>
    ) {
        var random = SeededRandom(seed: seed)
        let wanted = (0..<60).map { _ in
            (way: Way.allCases.randomElement(using: &random)!, text: Self.text(lengths, &random).lowercased())
        }
        let signatures = wanted.enumerated().map { number, wanted in
            Self.signature(
                "s\(number)", [Condition(fields: [.userAgent, .contact], matcher: wanted.way.matcher([wanted.text]))])
        }
        for _ in 0..<50 {
            let (agent, contact) = (Self.text(0...30, &random), Self.text(0...3, &random))
            let expected = wanted.indices.filter { index in
                [agent, contact].contains { wanted[index].way.holds($0, wanted[index].text) }
            }
            #expect(Self.found(signatures, [.userAgent: agent, .contact: contact]) == expected)
        }
    }

    @Test(arguments: ["'", "\"", "`", "%27", "%22", "%60"]) func aQuoteIsSeenWhereverItStands(quote: String) {
        let injection = Self.signature("sql", [Condition(fields: [.fromUser], matcher: .form(.sqlInjection))])
        for count in 0...40 {
            for place in 0...count {
                let value = String(repeating: "a", count: place) + quote + String(repeating: "7", count: count - place)
                #expect(Self.found([injection], [.fromUser: value + "--"]) == [0])
                #expect(Self.found([injection], [.fromUser: "--" + value]) == [0])
            }
            #expect(Self.found([injection], [.fromUser: String(repeating: "&", count: count) + "--"]) == [])
        }
    }

    @Test func aSignatureNeedsAllOfItsConditions() {
        let both = Self.signature(
            "both",
            [
                Condition(fields: [.fromUser], matcher: Way.equals.matcher(["100"])),
                Condition(fields: [.fromDomain], matcher: Way.equals.matcher(["1.1.1.1", ""])),
            ])
        #expect(Self.found([both], [.fromUser: "100", .fromDomain: "1.1.1.1"]) == [0])
        #expect(Self.found([both], [.fromUser: "100", .fromDomain: ""]) == [0])
        #expect(Self.found([both], [.fromUser: "100"]) == [])
        #expect(Self.found([both], [.fromUser: "100", .fromDomain: "1.1.1.2"]) == [])
    }

    /// Fields of which the same is wanted share what is looked at, and so do signatures that want one shape.
    @Test func whatIsWantedTwiceIsFoundTwice() throws {
        let (number, hex) = (Matcher.shape(try Shape("{digit:4-6}")), Matcher.shape(try Shape("{hex:4-8}")))
        let words = Way.contains.matcher(["union select", "drop table"])
        let wanted = [
            [Condition(fields: [.callID], matcher: number)], [Condition(fields: [.callID], matcher: hex)],
            [Condition(fields: [.callID, .fromTag], matcher: number)],
            [Condition(fields: [.toUser, .fromUser], matcher: words), Condition(fields: [.callID], matcher: number)],
        ]
        let signatures = wanted.enumerated().map { Self.signature("s\($0)", $1) }
        #expect(Self.found(signatures, [.callID: "12345"]) == [0, 1, 2])
        #expect(Self.found(signatures, [.callID: "12345f"]) == [1])
        #expect(Self.found(signatures, [.callID: "x", .fromTag: "12345"]) == [2])
        for field in [Field.toUser, .fromUser] {
            #expect(Self.found(signatures, [.callID: "1234", field: "a Drop Table b"]) == [0, 1, 2, 3])
        }
    }

    @Test(arguments: ["", "a", "ab", "abc", "abcd", "abcdefgh", "abcdefghi"]) func aPrefixMayBeTheWholeValue(
        text: String
    ) {
        let texts = ["abc", "abcdefgh", "zz"]
        let signatures = [Self.signature("s", [Condition(fields: [.ruri], matcher: Way.prefix.matcher(texts))])]
        #expect(Self.found(signatures, [.ruri: text]) == (texts.contains(where: text.hasPrefix) ? [0] : []))
    }

    /// What a thread remembers changes nothing that is found, whatever came before.
    @Test(arguments: 1...20) func whatIsRememberedIsFoundAllTheSame(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let texts = (0..<4).map { _ in Self.text(6...8, &random).lowercased() }
        let signatures = [Self.signature("s", [Condition(fields: [.userAgent], matcher: Way.contains.matcher(texts))])]
        let (matcher, harmless) = (SignatureMatcher(signatures, dialling: .common), HarmlessValues())
        let agents = (0..<200).map { _ in Self.text(0...70, &random) }
        for _ in 0..<2000 {
            let agent = agents.randomElement(using: &random)!
            var carried = SignatureSet()
            withFacts([.userAgent: agent]) { matcher.find(in: $0, &carried, knowing: harmless) }
            let isExpected = texts.contains { Way.contains.holds(agent, $0) }
            #expect((carried.popFirst() != nil) == isExpected)
        }
    }

    @Test func aKnownValueIsKnownInFull() {
        let harmless = HarmlessValues()
        let values = ["Yealink SIP-T46S 66.85.0.5", "Yealink SIP-T48S 66.85.0.5", "12345678"].map { Array($0.utf8) }
        for (index, value) in values.enumerated() {
            value.withUnsafeBufferPointer { value in
                #expect(!harmless.holds(value), "\(index)")
                harmless.add(value)
                #expect(harmless.holds(value))
                #expect(!harmless.holds(value.part(0, value.count - 1)))
            }
        }
        for length in [0, 7, 64] {
            [UInt8](repeating: 0x61, count: length).withUnsafeBufferPointer { value in
                harmless.add(value)
                #expect(!harmless.holds(value))
            }
        }
        harmless.removeAll()
        for value in values { value.withUnsafeBufferPointer { #expect(!harmless.holds($0)) } }
    }

    /// A pattern that makes other engines go back again and again, and one that is its own suffix many times. Benchmarks/check counts
    /// what such values take.
    @Test func findsWhatStandsAtTheEndOfAHostileValue() {
        let texts = (1...64).map { String(repeating: "a", count: $0) + "b" }
        let signatures = [Self.signature("s", [Condition(fields: [.userAgent], matcher: Way.contains.matcher(texts))])]
        #expect(Self.found(signatures, [.userAgent: String(repeating: "a", count: 60_000)]) == [])
        #expect(Self.found(signatures, [.userAgent: String(repeating: "a", count: 60_000) + "B"]) == [0])
    }

    @Test func holdsAsManySignaturesAsAPolicyMay() {
        let signatures = (0..<Hits.mostSignatures).map { number in
            Self.signature(
                "s\(number)", [Condition(fields: [.userAgent], matcher: Way.prefix.matcher(["x\(number)-"]))])
        }
        for number in [0, 63, 64, 300, Hits.mostSignatures - 1] {
            #expect(Self.found(signatures, [.userAgent: "X\(number)-y"]) == [number])
        }
    }
}

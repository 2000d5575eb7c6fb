import Testing

@testable import Policy

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"), ("::", "::"), ("::1", "::1"),
        ("1::", "1::"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("[2001:db8::5]", "2001:db8::5"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"),
    ])
    func readsAnAddressAndWritesItInCanonicalForm(text: String, canonical: String) throws {
        #expect(try #require(IPAddress(text)).description == canonical)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.", ".1.2.3", "1..2.3", " 1.2.3.4", "1.2.3.4 ",
        ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:8::", "[::1",
        "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0", "192.0.2.1\0", "localhost", "1:",
    ])
    func refusesWhatIsNoAddress(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("192.0.2.77/24", "192.0.2.0/24"), ("192.0.2.1", "192.0.2.1"), ("192.0.2.1/32", "192.0.2.1"),
        ("0.0.0.0/0", "0.0.0.0/0"), ("2001:db8::5/32", "2001:db8::/32"), ("::/0", "::/0"),
    ])
    func readsAPrefix(text: String, written: String) throws {
        #expect(try #require(Prefix(text)).description == written)
    }

    @Test(arguments: [
        "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "::/129", "192.0.2.0/24/24", "/24", "x/8", "1.2.3.4/ 8",
    ])
    func refusesWhatIsNoPrefix(text: String) {
        #expect(Prefix(text) == nil)
    }
}

@Suite struct PrefixTableTests {
    @Test func theLongestPrefixWins() throws {
        let entries = [
            "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "2001:db8::/32", "2001:db8::1", "255.255.255.255",
        ]
        let table = PrefixTable(try entries.map { (try #require(Prefix($0)), $0) })
        let expected: [(String, String?)] = [
            ("9.255.255.255", nil), ("10.0.0.0", "10.0.0.0/8"), ("10.0.255.255", "10.0.0.0/8"),
            ("10.1.0.0", "10.1.0.0/16"), ("10.1.2.2", "10.1.2.0/24"), ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.4", "10.1.2.0/24"), ("10.1.3.0", "10.1.0.0/16"), ("10.2.0.0", "10.0.0.0/8"), ("11.0.0.0", nil),
            ("2001:db8::", "2001:db8::/32"), ("2001:db8::1", "2001:db8::1"), ("2001:db8::2", "2001:db8::/32"),
            ("2001:db9::", nil), ("255.255.255.255", "255.255.255.255"), ("::1", nil),
        ]
        for (address, value) in expected { #expect(table[try #require(IPAddress(address))] == value, "\(address)") }
    }

    @Test func agreesWithASearchThroughAllPrefixes() {
        var random = SplitMix(seed: 7)
        let prefixes = (0..<300).map { _ in
            Prefix(IPAddress(v4: random.next(32) & 0xFF00_FFFF), length: Int(random.next(5)) % 29 + 4)!
        }
        let table = PrefixTable(prefixes.enumerated().map { ($1, $0) })
        for _ in 0..<20_000 {
            let address = IPAddress(v4: random.next(32))
            let longest = prefixes.filter { $0.contains(address) }.map(\.bits).max()
            #expect(table[address].map { prefixes[$0].bits } == longest)
        }
    }

    @Test func anEmptyTableHoldsNothing() {
        #expect(!PrefixTable<Int>().contains(IPAddress(v4: 1)))
    }

    @Test func everythingIsInTheZeroPrefix() throws {
        let table = PrefixTable([(try #require(Prefix("::/0")), true)])
        #expect(table.contains(IPAddress(value: .max)) && table.contains(IPAddress(v4: 0)))
    }
}

/// A small seeded generator (Steele, Lea and Flood 2014), so that a failing case can be had again.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func next(_ bits: Int) -> UInt32 { UInt32(truncatingIfNeeded: next() >> UInt64(64 - bits)) }
}

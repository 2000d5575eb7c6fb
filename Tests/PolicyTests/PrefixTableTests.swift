import Repeatable
import Testing

@testable import Policy

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
        var random = SeededRandom(seed: 7)
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

    /// Networks of every length, nested in each other and on each other's edges, in IPv4, IPv6 and around both.
    @Test(arguments: [1, 10, 100, 1000], [UInt64(1), 2, 3])
    func agreesWithASearchWhateverIsNested(count: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let prefixes = (0..<count).map { _ in Prefix.random(&random) }
        let table = PrefixTable(prefixes.enumerated().map { ($1, $0) })
        let feeds = FeedTable((0..<5).map { feed in prefixes.indices.filter { $0 % 5 == feed }.map { prefixes[$0] } })
        for address in IPAddress.interesting(prefixes, &random) {
            let around = prefixes.indices.filter { prefixes[$0].contains(address) }
            #expect(table[address].map { prefixes[$0].bits } == around.map { prefixes[$0].bits }.max(), "\(address)")
            #expect(feeds[address] == around.reduce(0) { $0 | 1 << UInt32($1 % 5) }, "\(address)")
        }
        for _ in 0..<100 {
            let network = Prefix.random(&random)
            // All of IPv4 is one place in the table of IPv6.
            if !network.first.isV4, network.contains(IPAddress(v4: 0)) { continue }
            let overlapping = prefixes.indices.filter { prefixes[$0].overlaps(network) }
            #expect(feeds.naming(anyOf: network) == overlapping.reduce(0) { $0 | 1 << UInt32($1 % 5) }, "\(network)")
        }
    }

    @Test func namesEveryPrefixAroundAnAddress() throws {
        let texts = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "::/0", "10.1.2.4"]
        let table = PrefixTable(try texts.map { (try #require(Prefix($0)), $0) })
        var found: [String] = []
        var next = table.index(of: try #require(IPAddress("10.1.2.3")))
        while let index = next {
            found.append(table.values[index])
            next = table.index(around: index)
        }
        #expect(found == ["10.1.2.3", "10.1.2.0/24", "10.1.0.0/16", "10.0.0.0/8", "::/0"])
    }

    @Test func anEmptyTableHoldsNothing() {
        #expect(!PrefixTable<Int>().contains(IPAddress(v4: 1)))
    }

    @Test func everythingIsInTheZeroPrefix() throws {
        let table = PrefixTable([(try #require(Prefix("::/0")), true)])
        #expect(table.contains(IPAddress(value: .max)) && table.contains(IPAddress(v4: 0)))
    }
}

extension Prefix {
    /// Of any length; mostly near the others, so that they nest.
    static func random(_ random: inout SeededRandom) -> Prefix {
        switch random.next(3) {
        case 0: Prefix(IPAddress(v4: random.next(32)), length: Int(random.next(16) % 33))!
        case 1, 2, 3: Prefix(IPAddress(v4: 0xCB00_7100 | random.next(10)), length: 20 + Int(random.next(16) % 13))!
        case 4:
            Prefix(
                IPAddress(value: UInt128(random.next()) << 64 | UInt128(random.next())), length: Int(random.next(7)))!
        default:
            Prefix(
                IPAddress(value: 0x2001_0DB8 << 96 | UInt128(random.next(8)) << 64 | UInt128(random.next(8))),
                length: 28 + Int(random.next(16) % 101))!
        }
    }
}

extension IPAddress {
    /// The edges of the prefixes, what lies beside them, and some others.
    static func interesting(_ prefixes: [Prefix], _ random: inout SeededRandom) -> [IPAddress] {
        let edges = prefixes.prefix(300).flatMap { prefix -> [IPAddress] in
            let (first, last) = (prefix.first.value, prefix.last.value)
            return [first, first &- 1, last, last &+ 1].map { IPAddress(value: $0) }
        }
        let others = (0..<500).map { _ in Prefix.random(&random).first }
        return edges + others + [IPAddress(value: 0), IPAddress(value: .max), IPAddress(v4: 0), IPAddress(v4: .max)]
    }
}

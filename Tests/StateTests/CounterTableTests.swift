import Policy
import Testing

@testable import State

private func key(_ number: Int, rule: String = "rule") -> CounterKey {
    var key = CounterKey(rule: NameID(rule))
    key.address = UInt128(number)
    return key
}

@Suite struct CounterTableTests {
    let table = CounterTable(bytes: 1 << 20)
    let limit = RateLimit(events: 2, per: .seconds(2))
    let now = Instant(microseconds: 1_000_000)

    @Test func metersEachKeyByItself() {
        for number in 0..<100 {
            #expect(table.take(key(number), limit: limit, count: 1, now: now) == .conforms)
            #expect(table.take(key(number), limit: limit, count: 1, now: now) == .conforms)
            #expect(table.take(key(number), limit: limit, count: 1, now: now) == .exceeds(retryAfter: .seconds(1)))
            #expect(table.take(key(number, rule: "other"), limit: limit, count: 1, now: now) == .conforms)
        }
    }

    @Test func remembersAKeyForAsLongAsAsked() {
        #expect(!table.remember(key(1), for: .seconds(10), now: now))
        #expect(table.remembers(key(1), now: now + .milliseconds(9_999)))
        #expect(table.remember(key(1), for: .seconds(10), now: now + .seconds(9)))
        #expect(table.remembers(key(1), now: now + .seconds(18)))
        #expect(!table.remembers(key(1), now: now + .seconds(19)))
        #expect(!table.remembers(key(2), now: now))
    }

    /// However a source's counter is asked for, it is the same one; address 0 has those for everything.
    @Test(arguments: ["192.0.2.1", "2001:db8::", "::"]) func aSourcesHashFindsItsCounters(address: String) throws {
        let address = try #require(IPAddress(address))
        let source = table.source(address)
        for rule in ["rule", "other"].map(NameID.init) {
            table.expect(rule, of: source)
            #expect(table.take(rule, of: source, limit: limit, count: 1, now: now) == .conforms)
            #expect(table.take(source.key(rule), limit: limit, count: 1, now: now) == .conforms)
            #expect(table.take(rule, of: source, limit: limit, count: 1, now: now) != .conforms)
            #expect(table.arrival(of: source.key(rule)) == now + .seconds(2))
        }
        let sources = SourceTable(bytes: 1 << 20, key: SipHash.Key())
        #expect(sources.source(address).hash != source.hash)
    }

    @Test func aMemberOfASetIsNotTheSetsCounter() {
        let text: [UInt8] = [0x31]
        text.withUnsafeBufferPointer { bytes in
            var member = key(1)
            member.member = bytes
            #expect(!table.remember(member, for: .seconds(10), now: now))
            #expect(!table.remembers(key(1), now: now))
            #expect(table.take(key(1), limit: limit, count: 2, now: now) == .conforms)
            #expect(table.remembers(member, now: now))
        }
    }

    @Test func staysWithinItsSizeAndKeepsWhatLastsLongest() {
        // Sixteen lines a stripe: with a single one a key would have no second line to go to, and chance would decide.
        let small = CounterTable(bytes: 64 * 256, stripes: 16)
        for number in 0..<200 { _ = small.remember(key(number), for: .seconds(3600), now: now) }
        for number in 1_000_000..<1_050_000 { _ = small.take(key(number), limit: limit, count: 1, now: now) }
        let kept = (0..<200).filter { small.remembers(key($0), now: now) }.count
        #expect(small.usage.capacity == 256 * 4)
        #expect(kept > 195, "\(kept) of 200")
        #expect(small.usage.evictions > 0)
    }

    @Test func aCounterForEverythingOutlivesAFloodOfOthers() {
        let small = CounterTable(bytes: 64 * 256)
        let everything = CounterKey(rule: NameID("everything"))
        #expect(small.take(everything, limit: limit, count: 2, now: now) == .conforms)
        for number in 1..<50_000 { _ = small.remember(key(number), for: .seconds(3600), now: now) }
        #expect(small.take(everything, limit: limit, count: 1, now: now) != .conforms)
        #expect(DryRunStore(small).take(everything, limit: limit, count: 1, now: now) != .conforms)
    }

    @Test func aDryRunCountsNothing() {
        let dry = DryRunStore(table)
        for _ in 0..<10 { #expect(dry.take(key(1), limit: limit, count: 1, now: now) == .conforms) }
        #expect(!dry.remember(key(2), for: .seconds(10), now: now) && !dry.remembers(key(2), now: now))
        _ = table.take(key(1), limit: limit, count: 2, now: now)
        #expect(dry.take(key(1), limit: limit, count: 1, now: now) != .conforms)
    }
}

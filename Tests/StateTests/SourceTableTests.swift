import Policy
import Testing

@testable import State

private let trust = Trust(hold: .seconds(3600), factor: 10)
private let now = Instant(microseconds: 1_000_000)

private func address(_ number: Int) -> IPAddress { IPAddress(v4: UInt32(number)) }

@Suite struct SourceTableTests {
    @Test func keepsARecordForEachSource() {
        let table = SourceTable(bytes: 1 << 20)
        for number in 0..<100 { table.withRecord(of: address(number), trust: trust, now: now) { $0.requests = 7 } }
        for number in 0..<100 {
            #expect(table.record(of: address(number))?.requests == 7)
            #expect(table.record(of: address(number))?.address == address(number))
        }
        #expect(table.record(of: address(100)) == nil)
        #expect(table.usage.used == 100)
    }

    @Test func forgetsOnDemand() {
        let table = SourceTable(bytes: 1 << 20)
        table.withRecord(of: address(1), trust: trust, now: now) { $0.requests = 1 }
        #expect(table.remove(address(1))?.requests == 1)
        #expect(table.remove(address(1)) == nil)
        #expect(table.record(of: address(1)) == nil && table.usage.used == 0)
    }

    @Test func aFloodOfForgedSourcesPushesOutNobodyElse() {
        let table = SourceTable(bytes: 4 << 20)
        for number in 0..<100 {
            table.withRecord(of: address(number), trust: trust, now: now) { $0.bannedUntil = now + .seconds(600) }
            table.withRecord(of: address(1000 + number), trust: trust, now: now) { $0.lastAuthOK = now }
            table.withRecord(of: address(2000 + number), trust: trust, now: now) { $0.requests = 5 }
        }
        for number in 1_000_000..<1_300_000 {
            table.withRecord(of: address(number), trust: trust, now: now + .seconds(1)) {
                $0.requests += 1
                $0.lastSeen = now + .seconds(1)
                // every other one looks like a scanner, whose treatment has begun
                guard number % 2 == 0 else { return }
                $0.flood.treatment = NameID(rawValue: 1)
                $0.flood.messages = 1
                $0.flood.lastMessage = now + .seconds(1)
            }
        }
        for number in 0..<100 {
            #expect(table.record(of: address(number))?.isBanned(now) == true)
            #expect(table.record(of: address(1000 + number))?.isTrusted(trust, now: now) == true)
            #expect(table.record(of: address(2000 + number))?.requests == 5)
        }
        let usage = table.usage
        #expect(usage.used <= usage.capacity && usage.evictions > 200_000 && usage.overflows == 0)
    }

    /// Whether they came before or during the flood.
    @Test(arguments: [0, 200_000])
    func aQuarterOfThePlacesIsSafeForActiveSources(forgedBefore: Int) {
        let table = SourceTable(bytes: 4 << 20)
        func forge(_ numbers: Range<Int>) {
            for number in numbers {
                table.withRecord(of: address(number), trust: trust, now: now) { $0.requests += 1 }
            }
        }
        forge(1_000_000..<1_000_000 + forgedBefore)
        let active = 0..<table.usage.capacity / 4
        for number in active { table.withRecord(of: address(number), trust: trust, now: now) { $0.requests = 5 } }
        forge(2_000_000..<2_300_000)
        #expect(active.allSatisfy { table.record(of: address($0))?.requests == 5 })
        #expect(table.usage.overflows == 0)
    }

    @Test func aTableFullOfBannedSourcesStillServesOthers() {
        let table = SourceTable(bytes: 1, stripes: 1)
        for number in 0..<100 {
            table.withRecord(of: address(number), trust: trust, now: now) { $0.bannedUntil = now + .seconds(600) }
        }
        let requests = table.withRecord(of: address(500), trust: trust, now: now) { record in
            record.requests += 1
            return record.requests
        }
        #expect(requests == 1 && table.usage.overflows > 0)
        #expect(table.usage.used == table.usage.capacity)
    }

    @Test func collectsWhatABodyMakesOfTheRecords() {
        let table = SourceTable(bytes: 1 << 20)
        for number in 0..<10 {
            table.withRecord(of: address(number), trust: trust, now: now) { $0.requests = UInt32(number) }
        }
        let loud = table.compactMap { $0.requests > 7 ? $0.requests : nil }
        #expect(loud.sorted() == [8, 9])
    }
}

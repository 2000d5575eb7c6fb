import Repeatable
import Testing

@testable import Policy

@Suite struct AddressListTests {
    private static func entry(_ prefix: Prefix, until: Double? = nil, by: String = "test") -> AddressEntry {
        AddressEntry(prefix: prefix, since: .seconds(0), until: until.map { .seconds($0) }, comment: "", by: by)
    }

    /// Comings and goings, each time against a dictionary.
    @Test(arguments: [UInt64(1), 2, 3, 4])
    func agreesWithADictionary(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var list = AddressList()
        var model: [Prefix: AddressEntry] = [:]
        for step in 0..<6000 {
            let prefix = Prefix(IPAddress(v4: 0xCB00_0000 | random.next(13)), length: random.next(2) == 0 ? 28 : 32)!
            if random.next(3) == 0 {
                let isRemoved = list.remove(prefix)
                #expect(isRemoved == (model.removeValue(forKey: prefix) != nil))
            } else {
                let entry = Self.entry(
                    prefix, until: random.next(1) == 0 ? nil : Double(random.next(13)), by: "\(step)")
                list.add(entry)
                model[prefix] = entry
            }
            if step.isMultiple(of: 1000) {
                let now = Instant.seconds(Double(step))
                let before = model.count
                model = model.filter { $0.value.holds(at: now) }
                let isChanged = list.expire(at: now)
                #expect(isChanged == (model.count != before))
            }
            #expect(list.count == model.count && list[prefix] == model[prefix])
            let (probe, now) = (IPAddress(v4: 0xCB00_0000 | random.next(13)), Instant.seconds(Double(step)))
            let expected = [28, 32].compactMap { model[Prefix(probe, length: $0)!] }.last { $0.holds(at: now) }
            #expect(list.entry(around: probe, now: now) == expected)
            if step.isMultiple(of: 150) {
                let network = Prefix(probe, length: 20 + Int(random.next(3)))!
                let overlapping = model.values.filter { $0.holds(at: now) && network.overlaps($0.prefix) }
                let found = list.entry(overlapping: network, now: now)
                #expect(overlapping.isEmpty ? found == nil : overlapping.contains { $0 == found })
            }
        }
        #expect(
            list.entries
                == model.values.sorted { ($0.prefix.first, $0.prefix.bits) < ($1.prefix.first, $1.prefix.bits) })
    }

    @Test func whatIsOverHidesNothingAroundIt() throws {
        let (wide, narrow) = (try #require(Prefix("203.0.113.0/24")), try #require(Prefix("203.0.113.9")))
        let list = AddressList([Self.entry(wide), Self.entry(narrow, until: 10)])
        #expect(list.entry(around: narrow.first, now: .seconds(9))?.prefix == narrow)
        #expect(list.entry(around: narrow.first, now: .seconds(10))?.prefix == wide)
    }

    @Test func aCopyKeepsWhatItHeld() {
        var list = AddressList((0..<1000).map { Self.entry(Prefix(IPAddress(v4: $0))) })
        let copy = list
        let removed = (0..<1000).filter { list.remove(Prefix(IPAddress(v4: UInt32($0)))) }
        #expect(removed.count == 1000)
        #expect(list.count == 0 && list.entries.isEmpty && copy.count == 1000)
        #expect(copy.entry(around: IPAddress(v4: 7), now: .seconds(0)) != nil)
    }
}

import Glibc
import Policy
import State

/// Updates of a limit with ten million sources in the table, one by one against the clock, beside an array of the same size that
/// is walked in the same way: what the machine itself stalls falls on both. A second array tells what chance does.
enum Stalls {
    private static let sources = 10_000_000
    private static let bytes = 256 << 20
    /// Table and arrays in turn, in any order: who comes behind whom matters.
    private static let rounds = 51

    static func measure() -> [Figure] {
        let table = CounterTable(bytes: bytes)
        let (limit, rule) = (RateLimit(events: 300, per: .seconds(1), burst: 6000), NameID("bench"))
        func update(_ source: Int) {
            var key = CounterKey(rule: rule)
            key.address = IPAddress(v4: UInt32(source)).value
            _ = table.take(key, limit: limit, count: 1, now: Instant(microseconds: 1_000_000))
        }
        var filling: UInt64 = 0
        for source in 0..<sources { filling = max(filling, time { update(source) }) }
        let (array, another) = (array(), array())
        defer {
            array.deallocate()
            another.deallocate()
        }
        var random = Random(state: 3)
        let typical = nanoseconds(of: 100_000) { update(Int(random.next() % UInt64(sources))) }
        let plain = nanoseconds(of: 100_000) { array[Int(random.next() % UInt64(bytes / 8))] &+= 1 }
        // Each place follows from what was read before: what the machine takes to fetch a line, which an update waits for as well.
        var place: UInt64 = 1
        let fetch = nanoseconds(of: 100_000) {
            place = place &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            place ^= array[Int(place.multipliedFullWidth(by: UInt64(bytes / 8)).high)]
        }
        // Or nobody would have to read anything.
        array[0] &+= place & 1
        func visit(_ array: UnsafeMutablePointer<UInt64>) { array[Int(random.next() % UInt64(bytes / 8))] &+= 1 }
        let walks = [{ update(Int(random.next() % UInt64(sources))) }, { visit(array) }, { visit(another) }]
        var stalls = walks.map { _ in [Double]() }
        for _ in 0..<rounds {
            for walk in walks.indices.shuffled() { stalls[walk].append(worst(walks[walk])) }
        }
        let (ours, fixed, other) = (stalls[0], stalls[1], stalls[2])
        return [
            Figure(name: "limit at 10 M sources, median", unit: "ns", value: typical, target: 150),
            Figure(name: "fixed array, median", unit: "ns", value: plain),
            Figure(name: "fixed array, one read behind the other, median", unit: "ns", value: fetch),
            Figure(
                name: "limit at 10 M sources, worst", unit: "ns", value: median(ours), target: median(fixed)),
            Figure(name: "fixed array, worst", unit: "ns", value: median(fixed)),
            Figure(
                name: "limit at 10 M sources, longest", unit: "ns", value: ours.max() ?? 0, target: fixed.max() ?? 0),
            Figure(name: "fixed array, longest", unit: "ns", value: fixed.max() ?? 0),
            Figure(name: "another fixed array, worst", unit: "ns", value: median(other)),
            Figure(name: "another fixed array, longest", unit: "ns", value: other.max() ?? 0),
            Figure(
                name: "limit while 10 M sources come, longest", unit: "ns", value: Double(filling), target: 5_000_000),
        ]
    }

    /// On large pages, as the table.
    private static func array() -> UnsafeMutablePointer<UInt64> {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 2 << 20)
        madvise(memory, bytes, MADV_HUGEPAGE)
        let array = memory.bindMemory(to: UInt64.self, capacity: bytes / 8)
        array.initialize(repeating: 0, count: bytes / 8)
        return array
    }

    /// The longest of all turns in 20 ms, from one look at the clock to the next: what the machine stalls falls into a turn whoever's
    /// it is, however short. The array has as much time as the table, and thereby more turns: such stalls come by time.
    private static func worst(_ body: () -> Void) -> Double {
        let start = Cost.nanoseconds()
        var (last, longest) = (start, UInt64(0))
        while last - start < 20_000_000 {
            body()
            let now = Cost.nanoseconds()
            (last, longest) = (now, max(longest, now - last))
        }
        return Double(longest)
    }

    private static func time(_ body: () -> Void) -> UInt64 {
        let start = Cost.nanoseconds()
        body()
        return Cost.nanoseconds() - start
    }

    /// One update's cost at several sizes of the table, half full, for the plot.
    static func sizes() -> [Figure] {
        [1, 4, 16, 64, 256].map { megabytes in
            let table = CounterTable(bytes: megabytes << 20)
            let count = megabytes << 20 / 32
            let (limit, rule) = (RateLimit(events: 300, per: .seconds(1), burst: 6000), NameID("bench"))
            func update(_ source: Int) {
                var key = CounterKey(rule: rule)
                key.address = IPAddress(v4: UInt32(source)).value
                _ = table.take(key, limit: limit, count: 1, now: Instant(microseconds: 1_000_000))
            }
            for source in 0..<count { update(source) }
            var random = Random(state: 5)
            let time = nanoseconds(rounds: 7, of: 100_000) { update(Int(random.next() % UInt64(count))) }
            return Figure(name: "limit, table of \(megabytes) MiB", unit: "ns", value: time)
        }
    }
}

import Policy
import State

/// Updates of a limit with ten million sources in the table, one by one against the clock, beside an array of the same size that
/// is walked in the same way: what the machine itself stalls falls on both.
enum Stalls {
    private static let sources = 10_000_000
    private static let bytes = 256 << 20
    /// Table and array in turn. The single longest look of a run is the host's, so the longest of each round is taken, and their median.
    private static let rounds = 51

    static func measure() -> [Figure] {
        let table = CounterTable(bytes: bytes)
        let (limit, rule) = (RateLimit(events: 300, per: .seconds(1), burst: 6000), NameID("bench"))
        func update(_ source: Int) {
            var key = CounterKey(rule: rule)
            key.address = IPAddress(v4: UInt32(source)).value
            _ = table.take(key, limit: limit, count: 1, now: Instant(microseconds: 1_000_000))
        }
        for source in 0..<sources { update(source) }
        let array = UnsafeMutablePointer<UInt64>.allocate(capacity: bytes / 8)
        array.initialize(repeating: 0, count: bytes / 8)
        defer { array.deallocate() }
        var random = Random(state: 3)
        let typical = nanoseconds(of: 100_000) { update(Int(random.next() % UInt64(sources))) }
        let plain = nanoseconds(of: 100_000) { array[Int(random.next() % UInt64(bytes / 8))] &+= 1 }
        var (worstOfOurs, worstOfArray): ([Double], [Double]) = ([], [])
        for _ in 0..<rounds {
            worstOfOurs.append(worst { update(Int(random.next() % UInt64(sources))) })
            worstOfArray.append(worst { array[Int(random.next() % UInt64(bytes / 8))] &+= 1 })
        }
        let (ours, fixed) = (median(worstOfOurs), median(worstOfArray))
        return [
            Figure(name: "limit at 10 M sources, median", unit: "ns", value: typical, target: 150),
            Figure(name: "fixed array, median", unit: "ns", value: plain),
            Figure(name: "limit at 10 M sources, worst", unit: "ns", value: ours, target: fixed),
            Figure(name: "fixed array, worst", unit: "ns", value: fixed),
        ]
    }

    /// The longest of all turns in 20 ms, each between two looks at the clock. The array has as much time as the table and not as
    /// many turns: what the machine stalls comes by time.
    private static func worst(_ body: () -> Void) -> Double {
        var (longest, now): (UInt64, UInt64) = (0, Cost.nanoseconds())
        let end = now + 20_000_000
        while now < end {
            let start = now
            body()
            now = Cost.nanoseconds()
            longest = max(longest, now - start)
        }
        return Double(longest)
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

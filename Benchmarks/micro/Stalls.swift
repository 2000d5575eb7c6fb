import Policy
import State

/// Updates of a limit with ten million sources in the table, one by one against the clock, beside an array of the same size that
/// is walked in the same way: what the machine itself stalls falls on both.
enum Stalls {
    private static let sources = 10_000_000
    private static let bytes = 256 << 20

    static func measure() -> [Figure] {
        let table = CounterTable(bytes: bytes)
        let limit = RateLimit(events: 300, per: .seconds(1), burst: 6000)
        func update(_ source: Int) {
            var key = CounterKey(rule: NameID("bench"))
            key.address = IPAddress(v4: UInt32(source)).value
            _ = table.take(key, limit: limit, count: 1, now: Instant(microseconds: 1_000_000))
        }
        for source in 0..<sources { update(source) }
        let array = UnsafeMutablePointer<UInt64>.allocate(capacity: bytes / 8)
        array.initialize(repeating: 0, count: bytes / 8)
        defer { array.deallocate() }
        var (ours, fixed, empty) = (Times(), Times(), Times())
        var random = Random(state: 3)
        for _ in 0..<10 {
            ours.add(&random, below: sources, update)
            fixed.add(&random, below: bytes / 8) { array[$0] &+= 1 }
            empty.add(&random, below: sources) { _ in }
        }
        return [
            Figure(name: "limit at 10 M sources, median", unit: "ns", value: ours.median - empty.median, target: 150),
            Figure(name: "fixed array, median", unit: "ns", value: fixed.median - empty.median),
            Figure(name: "limit at 10 M sources, worst", unit: "ns", value: ours.worst, target: fixed.worst),
            Figure(name: "fixed array, worst", unit: "ns", value: fixed.worst),
            Figure(name: "nothing, worst", unit: "ns", value: empty.worst),
        ]
    }
}

/// How long each of many operations took, in nanoseconds; what is longer than 64 us only as the longest.
private struct Times {
    private var counts = [Int](repeating: 0, count: 1 << 16)
    private var longest: UInt64 = 0
    private var total = 0

    mutating func add(_ random: inout Random, below bound: Int, _ body: (Int) -> Void) {
        for _ in 0..<200_000 {
            let place = Int(random.next() % UInt64(bound))
            let start = Cost.nanoseconds()
            body(place)
            let time = Cost.nanoseconds() - start
            counts[min(Int(time), counts.count - 1)] += 1
            longest = max(longest, time)
            total += 1
        }
    }

    var worst: Double { Double(longest) }

    var median: Double {
        var seen = 0
        for (time, count) in counts.enumerated() {
            seen += count
            if seen * 2 >= total { return Double(time) }
        }
        return 0
    }
}

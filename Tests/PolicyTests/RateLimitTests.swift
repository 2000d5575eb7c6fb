import Testing

@testable import Policy

/// The table is the specification of the limit.
@Suite struct RateLimitTests {
    struct Case: CustomTestStringConvertible {
        let limit: RateLimit
        /// Milliseconds of each event, and whether it conforms.
        let events: [(at: Int64, conforms: Bool)]
        let testDescription: String
    }

    static let cases = [
        Case(
            limit: RateLimit(events: 3, per: .seconds(3)),
            events: [
                (0, true), (0, true), (0, true), (0, false), (999, false), (1000, true), (1000, false), (2000, true),
            ],
            testDescription: "3 per 3s: three at once, then one a second"),
        Case(
            limit: RateLimit(events: 1, per: .seconds(10)),
            events: [(0, true), (9_999, false), (10_000, true), (10_001, false), (20_000, true)],
            testDescription: "1 per 10s: a minimum distance"),
        Case(
            limit: RateLimit(events: 10, per: .seconds(1), burst: 2),
            events: [
                (0, true), (0, true), (0, false), (100, true), (150, false), (200, true), (1000, true), (1000, true),
                (1000, false),
            ],
            testDescription: "10 per 1s burst 2: two at once, then one each 100 ms"),
        Case(
            limit: RateLimit(events: 2, per: .seconds(2)),
            events: [(0, true), (1000, true), (2000, true), (3000, true), (4000, true)],
            testDescription: "evenly spaced at the rate conforms for ever"),
    ]

    @Test(arguments: cases)
    func metersExactly(_ test: Case) {
        var arrival = Instant.never
        for (index, event) in test.events.enumerated() {
            let outcome = test.limit.take(&arrival, now: Instant(microseconds: event.at * 1000))
            #expect((outcome == .conforms) == event.conforms, "event \(index) at \(event.at) ms")
        }
    }

    @Test func tellsWhenTheNextEventConforms() {
        let limit = RateLimit(events: 2, per: .seconds(10))
        var arrival = Instant.never
        let now = Instant(microseconds: 0)
        #expect(limit.take(&arrival, count: 2, now: now) == .conforms)
        #expect(limit.take(&arrival, now: now) == .exceeds(retryAfter: .seconds(5)))
        #expect(limit.take(&arrival, now: now + .seconds(5)) == .conforms)
    }

    @Test func anExceedingBatchFillsTheLimitUp() {
        let limit = RateLimit(events: 5, per: .seconds(5))
        var arrival = Instant.never
        let now = Instant(microseconds: 0)
        #expect(limit.take(&arrival, count: 1000, now: now) != .conforms)
        #expect(limit.take(&arrival, now: now + .milliseconds(999)) != .conforms)
        #expect(limit.take(&arrival, now: now + .milliseconds(1000)) == .conforms)
    }

    @Test func noSpanOfOnePeriodHoldsMoreThanBurstAndRate() {
        var random = SplitMix(seed: 3)
        let limit = RateLimit(events: 7, per: .seconds(1), burst: 4)
        var (arrival, now, conforming) = (Instant.never, Int64(0), [Int64]())
        for _ in 0..<20_000 {
            now += Int64(random.next(17))
            if limit.take(&arrival, now: Instant(microseconds: now)) == .conforms { conforming.append(now) }
        }
        for (index, start) in conforming.enumerated() {
            let span = conforming[index...].prefix { $0 < start + 1_000_000 }
            #expect(span.count <= limit.events + limit.burst)
        }
    }

    @Test func aRelaxedLimitIsThatManyTimesAsGenerous() {
        let limit = RateLimit(events: 3, per: .seconds(3)).relaxed(by: 10)
        #expect(limit == RateLimit(events: 30, per: .seconds(3), burst: 30))
    }
}

import Repeatable
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

    struct Instants: CustomTestStringConvertible {
        let limit: RateLimit
        /// Microseconds of each event, how many it stands for, and when to come again where it exceeds.
        let events: [(at: Int64, count: Int, retryAfter: Int64?)]
        let testDescription: String
    }

    /// The arithmetic of docs/policy.md, to the microsecond.
    static let instants = [
        Instants(
            limit: RateLimit(events: 2, per: .microseconds(20)),
            events: [
                (100, 1, nil), (100, 1, nil), (100, 1, 10), (109, 1, 1), (110, 1, nil), (119, 1, 1), (120, 1, nil),
                (139, 1, nil), (140, 1, nil), (140, 1, 10),
            ], testDescription: "T = 10, M = 2: each instant before is too early, the instant itself is not"),
        Instants(
            limit: RateLimit(events: 1, per: .microseconds(7), burst: 3),
            events: [
                (0, 1, nil), (0, 1, nil), (0, 1, nil), (0, 1, 7), (6, 1, 1), (7, 1, nil), (14, 1, nil), (20, 1, 1),
            ],
            testDescription: "T = 7, M = 3"),
        Instants(
            limit: RateLimit(events: 3, per: .microseconds(10)),
            events: [(0, 3, nil), (2, 1, 1), (3, 1, nil), (5, 1, 1), (6, 1, nil)],
            testDescription: "T is a whole number of microseconds, rounded down: 3 per 10 us is one each 3 us"),
        Instants(
            limit: RateLimit(events: 5, per: .microseconds(50)),
            events: [(0, 2, nil), (0, 3, nil), (0, 1, 10), (10, 1, nil)],
            testDescription: "what stands for several is several"),
        Instants(
            limit: RateLimit(events: 5, per: .microseconds(50)),
            events: [(0, 3, nil), (0, 3, 10), (9, 1, 1), (10, 1, nil)],
            testDescription: "several of which not all conform fill the limit up"),
        Instants(
            limit: RateLimit(events: 5, per: .microseconds(50)),
            events: [(0, 5, nil), (0, 1, 10), (0, 1, 10), (10, 1, nil), (10, 1, 10)],
            testDescription: "what exceeds takes up nothing"),
        Instants(
            limit: RateLimit(events: 2, per: .microseconds(20)),
            events: [(0, 2, nil), (1_000_000, 2, nil), (1_000_000, 1, 10)],
            testDescription: "rest is worth no more than the burst"),
    ]

    @Test(arguments: instants)
    func conformsAtExactInstants(_ test: Instants) {
        var arrival = Instant.never
        for (index, event) in test.events.enumerated() {
            let outcome = test.limit.take(&arrival, count: event.count, now: Instant(microseconds: event.at))
            let expected = event.retryAfter.map { RateLimit.Outcome.exceeds(retryAfter: .microseconds($0)) }
            #expect(outcome == expected ?? .conforms, "event \(index) at \(event.at)")
        }
    }

    /// docs/policy.md: of a series with the distance d the first to exceed is number floor((M - 1) T / (T - d)) + 2.
    @Test(arguments: [(12, 43_200, 1), (12, 43_200, 60), (12, 43_200, 600), (10, 600, 1), (16, 43_200, 60), (8, 16, 1)])
    func theFirstOfASeriesToExceedIsKnown(events: Int, per: Int, distance: Int) {
        let limit = RateLimit(events: events, per: .seconds(per))
        let interval = per / events
        var (arrival, number) = (Instant.never, 0)
        while limit.take(&arrival, now: .seconds(Double(number * distance))) == .conforms { number += 1 }
        #expect(number + 1 == (events - 1) * interval / (interval - distance) + 2)
    }

    @Test(arguments: [1, 2, 3, 7, 10, 1000])
    func aRelaxedIntervalIsTheSameAsAHigherRate(factor: Int) {
        for events in [1, 3, 7, 300] {
            let limit = RateLimit(events: events, per: .seconds(600))
            let higher = RateLimit(events: events * factor, per: .seconds(600), burst: events * factor)
            #expect(limit.relaxed(by: factor) == higher)
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
        var random = SeededRandom(seed: 3)
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

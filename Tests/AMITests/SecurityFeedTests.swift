import Guard
import Loopback
import Policy
import Synchronization
import Testing

@testable import AMI

@Suite struct SecurityFeedTests {
    private final class Events: Sendable {
        private let list = Mutex<[FeedEvent]>([])
        @Sendable func add(_ event: FeedEvent) { list.withLock { $0.append(event) } }
        var all: [FeedEvent] { list.withLock { $0 } }
    }

    private var quick: SecurityFeed.Timing {
        var timing = SecurityFeed.Timing()
        (timing.firstRetry, timing.lastRetry) = (.milliseconds(5), .milliseconds(20))
        return timing
    }

    @Test func thirtyThousandEventsArriveWithoutLoss() throws {
        let (manager, state, events) = (FakeManager(), try newState(), Events())
        let feed = try #require(SecurityFeed(account: manager.account, state: state, onEvent: events.add))
        #expect(feed.start() == 0)
        defer { feed.stop() }
        #expect(eventually { manager.logins == 1 })
        for block in 0..<300 {
            manager.say(
                (0..<100).map { number in
                    failed("10\(number)", session: "\(block)-\(number)", response: "r", from: "203.0.\(block % 250).9")
                }.joined())
        }
        #expect(eventually { feed.counters.reports == 30_000 })
        #expect(feed.counters == FeedCounters(events: 30_000, reports: 30_000, malformed: 0, gaps: 0))
        #expect(state.heldTreatment(of: IPAddress("203.0.7.9")!) != nil)
        #expect(events.all == [.connected(afterGap: nil)])
    }

    @Test func itComesBackAfterAGapAndSaysSoOnce() throws {
        let (manager, state, events) = (FakeManager(), try newState(), Events())
        let feed = try #require(
            SecurityFeed(account: manager.account, state: state, timing: quick, onEvent: events.add))
        #expect(feed.start() == 0)
        defer { feed.stop() }
        for turn in 1...3 {
            #expect(eventually { manager.logins == turn && feed.counters.gaps == turn - 1 })
            manager.say(failed("1000", session: "c\(turn)", response: "r"))
            #expect(eventually { feed.counters.reports == turn })
            manager.hangUp()
        }
        #expect(eventually { feed.counters.gaps == 3 && events.all.count == 7 })
        #expect(events.all.filter { if case .lost = $0 { true } else { false } }.count == 3)
        #expect(events.all[0] == .connected(afterGap: nil))
    }

    @Test func aRefusedLoginIsSaidOnceHoweverOftenItIsTried() throws {
        let manager = FakeManager(reply: "Response: Error\r\nMessage: Authentication failed\r\n\r\n")
        let (state, events) = (try newState(), Events())
        let feed = try #require(
            SecurityFeed(account: manager.account, state: state, timing: quick, onEvent: events.add))
        #expect(feed.start() == 0)
        #expect(eventually { manager.logins >= 4 })
        feed.stop()
        #expect(events.all == [.lost(reason: ManagerSession.Failure.refused.rawValue)])
        #expect(feed.counters.gaps == 0)
    }

    @Test func silenceIsAskedAboutAndThenTakenForALoss() throws {
        let (manager, state, events) = (FakeManager(), try newState(), Events())
        var timing = quick
        timing.idle = .milliseconds(20)
        let feed = try #require(
            SecurityFeed(account: manager.account, state: state, timing: timing, onEvent: events.add))
        #expect(feed.start() == 0)
        #expect(eventually { manager.logins >= 2 })
        feed.stop()
        #expect(events.all.contains(.lost(reason: "Asterisk says nothing")))
    }

    @Test func itEndsWhileItWaits() throws {
        let (manager, state, events) = (FakeManager(), try newState(), Events())
        var timing = SecurityFeed.Timing()
        timing.idle = .seconds(60)
        let feed = try #require(
            SecurityFeed(account: manager.account, state: state, timing: timing, onEvent: events.add))
        #expect(feed.start() == 0)
        #expect(eventually { !events.all.isEmpty })
        let before = ContinuousClock.now
        feed.stop()
        #expect(ContinuousClock.now - before < .seconds(20))
    }
}

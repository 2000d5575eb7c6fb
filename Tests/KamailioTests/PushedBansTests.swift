import Policy
import Testing

@testable import Kamailio

/// What is to be done to Kamailio's table, without a Kamailio.
@Suite struct PushedBansTests {
    private let first = Prefix("198.51.100.7")!
    private let second = Prefix("203.0.113.9")!
    private func at(_ seconds: Int64) -> Instant { Instant(microseconds: seconds * 1_000_000) }

    private func taken(_ bans: inout PushedBans, _ now: Instant) -> [PushedBans.Step] {
        let steps = bans.steps(now: now)
        for step in steps { bans.wasTaken(step) }
        return steps
    }

    @Test("a ban is added once, for as long as it has to go") func added() {
        var bans = PushedBans(most: 10)
        let isWanted = bans.want(first, until: at(600))
        let steps = taken(&bans, at(1))
        #expect(isWanted && steps == [.add(first, seconds: 599)])
        _ = bans.want(first, until: at(600))
        #expect(bans.steps(now: at(2)).isEmpty)
    }

    @Test("a longer ban keeps what its entry has counted") func prolonged() {
        var bans = PushedBans(most: 10)
        _ = bans.want(first, until: at(600))
        _ = taken(&bans, at(0))
        _ = bans.want(first, until: at(900))
        let steps = taken(&bans, at(100))
        #expect(steps == [.prolong(first, seconds: 800)])
    }

    @Test("a ban after one that has run out is a new entry") func again() {
        var bans = PushedBans(most: 10)
        _ = bans.want(first, until: at(600))
        _ = taken(&bans, at(0))
        _ = bans.want(first, until: at(1200))
        let steps = taken(&bans, at(601))
        #expect(steps == [.add(first, seconds: 599)])
    }

    @Test("what is not wanted any more is removed, once") func removed() {
        var bans = PushedBans(most: 10)
        _ = bans.want(first, until: at(600))
        _ = taken(&bans, at(0))
        bans.drop(first)
        bans.drop(second)
        let steps = taken(&bans, at(1))
        #expect(steps == [.remove(first)] && bans.steps(now: at(2)).isEmpty && bans.count == 0)
    }

    @Test("an emptied table gets all of them again") func emptied() {
        var bans = PushedBans(most: 10)
        for source in [first, second] { _ = bans.want(source, until: at(600)) }
        _ = taken(&bans, at(0))
        bans.tableWasEmptied()
        let steps = taken(&bans, at(100))
        #expect(Set(steps.map { "\($0)" }).count == 2 && bans.steps(now: at(100)).isEmpty)
    }

    @Test("there is room for so many and no more, until some leave") func bounded() {
        var bans = PushedBans(most: 2)
        let wanted = (0..<5).map { bans.want(Prefix(IPAddress(v4: 0xC633_6400 + $0)), until: at(600)) }
        #expect(wanted == [true, true, false, false, false] && bans.isFull)
        let isKept = bans.want(Prefix(IPAddress(v4: 0xC633_6400)), until: at(700))
        bans.drop(Prefix(IPAddress(v4: 0xC633_6400)))
        let hasRoom = bans.want(first, until: at(600))
        #expect(isKept && hasRoom)
    }

    @Test("who waits for room is remembered and counted once, and only so many") func waiting() {
        var bans = PushedBans(most: 1, waiting: 3)
        for _ in 0..<2 {
            for number in UInt32(0)..<9 { bans.want(Prefix(IPAddress(v4: 0xC633_6400 + number)), until: at(600)) }
        }
        #expect(bans.count == 1 && bans.leftOut == 3 && bans.sources.count == 4)
        bans.drop(Prefix(IPAddress(v4: 0xC633_6401)))
        bans.want(Prefix(IPAddress(v4: 0xC633_6408)), until: at(600))
        #expect(bans.leftOut == 4 && bans.sources.count == 4 && bans.hasWaiting)
    }

    @Test("a step that was not taken is tried again, and only so many at once") func retried() {
        var bans = PushedBans(most: 1000)
        for number in 0..<600 { _ = bans.want(Prefix(IPAddress(v4: 0xC633_0000 + UInt32(number))), until: at(600)) }
        #expect(bans.steps(now: at(0)).count == 256)
        for step in bans.steps(now: at(0)).dropLast() { bans.wasTaken(step) }
        #expect(bans.steps(now: at(0), most: 1000).count == 345)
    }
}

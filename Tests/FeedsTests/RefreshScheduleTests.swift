import Policy
import Testing

@testable import Feeds

@Suite struct RefreshScheduleTests {
    private static let start = Instant(microseconds: 1_000_000_000)

    @Test(arguments: [(0.0, 3240), (0.5, 3600), (1.0, 3960)])
    func isSpreadAroundTheUsualInterval(chance: Double, seconds: Int) {
        var schedule = RefreshSchedule(next: Self.start)
        #expect(schedule.isDue(Self.start))
        schedule.succeeded(Self.start, every: .seconds(3600), chance: chance)
        #expect(schedule.next - Self.start == .seconds(seconds))
        #expect(!schedule.isDue(Self.start))
    }

    @Test func asksMoreAndMoreRarelyWhileItFails() {
        var schedule = RefreshSchedule(next: Self.start)
        var waits: [Duration] = []
        for _ in 0..<9 {
            schedule.failed(Self.start, every: .seconds(3600), chance: 0.5)
            waits.append(schedule.next - Self.start)
        }
        #expect(waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600].map { .seconds($0) })
        schedule.succeeded(Self.start, every: .seconds(3600), chance: 0.5)
        schedule.failed(Self.start, every: .seconds(3600), chance: 0.5)
        #expect(schedule.next - Self.start == .seconds(30))
    }

    @Test func neverWaitsLongerForAFailureThanForSuccess() {
        var schedule = RefreshSchedule(next: Self.start)
        for _ in 0..<100 { schedule.failed(Self.start, every: .seconds(5), chance: 0.5) }
        #expect(schedule.next - Self.start == .seconds(5))
    }
}

import AGI
import Testing

@testable import FastAGI

@Suite struct DeadlineTests {
    let begun = ContinuousClock.now

    @Test func theWholeIsBoundedAsEachStepIs() {
        let deadlines = Deadlines(begun: begun, limit: .milliseconds(200), step: .milliseconds(50))
        #expect(deadlines.first == begun + .milliseconds(50))
        #expect(deadlines.next(after: begun + .milliseconds(100)) == begun + .milliseconds(150))
        #expect(deadlines.next(after: begun + .milliseconds(190)) == begun + .milliseconds(200))
        #expect(!deadlines.hasPassed(at: begun + .milliseconds(199)))
        #expect(deadlines.hasPassed(at: begun + .milliseconds(200)))
    }

    @Test func aStepMayTakeAsLongAsTheWholeUnlessSaidOtherwise() {
        let deadlines = Deadlines(begun: begun, limit: .milliseconds(200))
        #expect(deadlines.first == deadlines.end && deadlines.next(after: begun + .milliseconds(1)) == deadlines.end)
    }

    @Test func aChangeIsToldOnce() {
        var health = Health()
        #expect(health.note(.answered) == nil && health.note(.closedEarly) == nil && health.note(.hungUp) == nil)
        #expect(health.note(.timedOut) == .failing(.timedOut))
        #expect(health.note(.odd) == nil && health.note(.tooLong) == nil)
        for _ in 1..<Health.recovery { #expect(health.note(.answered) == nil) }
        #expect(health.note(.odd) == nil)
        for _ in 1..<Health.recovery { #expect(health.note(.answered) == nil) }
        #expect(health.note(.answered) == .recovered && health.note(.answered) == nil)
    }
}

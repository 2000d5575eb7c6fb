import Policy
import PolicyFile
import Synchronization
import Testing

@testable import Guard

/// Changes that are told to those who act on them.
@Suite struct TreatmentFeedTests {
    private let state: GuardState
    private let first = IPAddress("198.51.100.7")!

    init() {
        let policy = LoadedPolicy(document: .builtIn, path: nil, loadedAt: Clock.now)
        state = GuardState(policy: policy, memory: 4 << 20, version: "test")
    }

    private func announceOneOfEach() {
        state.announce(.began, .began(source: first, user: nil))
        state.announce(.forgotten, .forgotten(source: first))
        state.announce(.banned, .banned(source: Prefix(first)))
    }

    @Test("a feed is neither woken nor filled by what it does not want") func kinds() {
        let wakes = Mutex((bans: 0, all: 0))
        let bans = state.treatmentFeed(of: .banned, limit: 2) { wakes.withLock { $0.bans += 1 } }
        let all = state.treatmentFeed { wakes.withLock { $0.all += 1 } }
        for _ in 0..<5 { state.announce(.began, .began(source: first, user: nil)) }
        #expect(wakes.withLock { $0 == (0, 1) } && bans.drain().changes.isEmpty)
        announceOneOfEach()
        let (news, everything) = (bans.drain(), all.drain())
        #expect(news.changes == [.banned(source: Prefix(first))] && news.missed == 0)
        #expect(everything.changes.count == 8 && everything.missed == 0)
    }

    @Test("what nobody wants is not even put together") func nobody() {
        var isMade = false
        func made(_ change: TreatmentChange) -> TreatmentChange {
            isMade = true
            return change
        }
        _ = state.treatmentFeed(of: [.banned, .forgotten]) {}
        state.announce(.began, made(.began(source: first, user: nil)))
        #expect(!isMade)
        state.announce(.forgotten, made(.forgotten(source: first)))
        #expect(isMade)
    }

    @Test("what a feed cannot hold is counted, and it holds again after it was read") func missed() {
        let feed = state.treatmentFeed(limit: 2) {}
        announceOneOfEach()
        announceOneOfEach()
        let news = feed.drain()
        #expect(news.changes.count == 2 && news.missed == 4)
        announceOneOfEach()
        #expect(feed.drain().missed == 1 && feed.drain().changes.isEmpty)
    }
}

import Policy
import PolicyFile
import Testing

@testable import Guard

@Suite struct ForgedFloodTests {
    private static let (banned, trusted, active) = (100, 300, 300)
    private static func address(_ group: UInt32, _ number: Int) -> IPAddress {
        IPAddress(v4: group << 24 | UInt32(number))
    }

    private static func request(
        from source: IPAddress, agent: StaticString = "phone"
    ) -> RequestFacts {
        var facts = RequestFacts(source: source)
        facts.transport = .udp
        facts[.method] = bytes("REGISTER")
        facts[.fromUser] = bytes("1001")
        facts[.userAgent] = bytes(agent)
        return facts
    }

    private static func bytes(_ text: StaticString) -> Bytes {
        Bytes(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// A bounded form of the ten million that `make bench` sends: ten times as many sources as the table has places.
    @Test func leavesAloneWhoIsBannedTrustedOrActive() {
        let policy = LoadedPolicy(document: .builtIn, path: nil, loadedAt: Clock.now)
        let state = GuardState(policy: policy, memory: 8 << 20, version: "test")
        let decider = Decider(state)
        var now = Clock.now
        for number in 0..<Self.banned {
            for _ in 0..<120 {
                _ = decider.check(Self.request(from: Self.address(10, number), agent: "friendly-scanner"), at: now)
            }
        }
        for number in 0..<Self.trusted {
            decider.report(.authOK, Self.request(from: Self.address(11, number)), at: now)
        }
        for number in 0..<Self.active {
            for _ in 0..<3 { _ = decider.check(Self.request(from: Self.address(12, number)), at: now) }
        }
        for number in 0..<300_000 {
            now = Instant(microseconds: now.microseconds + 10)
            _ = decider.check(Self.request(from: Self.address(13, number)), at: now)
        }
        let usage = state.sources.usage
        #expect(usage.capacity < 30_000 && usage.used == usage.capacity && usage.evictions > 250_000, "\(usage)")
        for number in 0..<Self.banned {
            #expect(state.sources.record(of: Self.address(10, number))?.isBanned(now) == true)
            #expect(decider.check(Self.request(from: Self.address(10, number)), at: now).answer == .drop)
        }
        for number in 0..<Self.trusted {
            #expect(state.sources.record(of: Self.address(11, number))?.lastAuthOK != .never)
        }
        let lost = (0..<Self.active).filter { (state.sources.record(of: Self.address(12, $0))?.requests ?? 0) < 3 }
        #expect(lost.isEmpty)
    }
}

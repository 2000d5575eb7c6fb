import Policy
import PolicyFile
import Testing

@testable import Guard

/// Memory that is asked for before it is known whether it will be needed.
@Suite struct ExpectationTests {
    private let state = GuardState(
        policy: LoadedPolicy(document: .builtIn, path: nil, loadedAt: Clock.now), memory: 4 << 20, version: "test")

    private func requests(of source: IPAddress) -> UInt32? { state.sources.record(of: source)?.requests }

    @Test(
        "who asks is decided about, whoever was expected",
        arguments: [
            (IPAddress(v4: 0xCB00_7105), IPAddress(v4: 0xCB00_7106)),
            (IPAddress(value: 0x2001_0DB8 << 96), IPAddress(v4: 0xCB00_7106)),
            (IPAddress(v4: 0xCB00_7105), IPAddress(value: 0x2001_0DB8 << 96)),
        ])
    func anotherThanExpected(expected: IPAddress, asking: IPAddress) {
        let decider = Decider(state)
        // Nobody is expected yet.
        decider.expectRecord()
        for turn in 1...3 {
            decider.expect(expected)
            decider.expectRecord()
            _ = decider.check(RequestFacts(source: asking))
            #expect(requests(of: asking) == UInt32(turn) && requests(of: expected) == nil)
        }
        for turn in 4...6 {
            decider.expect(asking)
            decider.expectRecord()
            _ = decider.check(RequestFacts(source: asking))
            #expect(requests(of: asking) == UInt32(turn) && requests(of: expected) == nil)
        }
    }

    @Test("an address of zeros is one source, although nobody was expected") func zeros() {
        let zeros = IPAddress(value: 0)
        for turn in 1...3 {
            _ = Decider(state).check(RequestFacts(source: zeros))
            #expect(requests(of: zeros) == UInt32(turn))
        }
    }

    @Test("all hosts of a network are one source, expected or not") func networks() {
        let decider = Decider(state)
        let hosts: [UInt128] = [1, 2, 3]
        for host in hosts {
            decider.expect(IPAddress(value: 0x2001_0DB8 << 96 | host))
            decider.expectRecord()
            _ = decider.check(RequestFacts(source: IPAddress(value: 0x2001_0DB8 << 96 | host)))
        }
        #expect(requests(of: IPAddress(value: 0x2001_0DB8 << 96)) == 3)
    }
}

import Guard
import Policy

/// Facts of an ordinary phone, decided about again and again for many sources.
final class Decisions {
    private let house: House
    private let decider: Decider
    private let text: UnsafeMutableBufferPointer<UInt8>
    private var facts: RequestFacts
    private let sources: UInt32
    /// The last four bytes of the User-Agent, where each request is to have another one.
    private let version: UnsafeMutableBufferPointer<UInt8>?
    private var asked: UInt32 = 0

    init(sources: UInt32, house: House = House(), newAgents: Bool = false) {
        self.sources = sources
        self.house = house
        decider = Decider(house.state)
        text = .allocate(capacity: Messages.all[0].utf8.count)
        _ = text.initialize(from: Messages.all[0].utf8)
        facts = RequestFacts(source: IPAddress(v4: 0xC664_0000))
        facts.transport = .udp
        MessageReader.read(Bytes(text), into: &facts)
        let agent = facts[.userAgent]
        let end = agent.baseAddress! - UnsafePointer(text.baseAddress!) + agent.count
        version = newAgents ? UnsafeMutableBufferPointer(rebasing: text[(end - 4)..<end]) : nil
    }

    deinit { text.deallocate() }

    /// Decides about the next source's request; whether it passes.
    func next() -> Bool {
        asked &+= 1
        if let version {
            for place in 0..<4 { version[place] = 0x61 + UInt8(truncatingIfNeeded: asked >> (4 * place) & 15) }
        }
        facts.source = IPAddress(v4: 0xC664_0000 &+ (asked &* 2_654_435_769) % sources)
        return decider.check(facts).answer == .pass
    }
}

import Guard
import Policy
import PolicyFile

/// What is measured in one process, each with its target of the issue that asked for it.
enum Measurements {
    /// The decision alone, from facts to verdict, under the built-in policy.
    static func decision() -> [Figure] {
        let decisions = Decisions(sources: 1000)
        let time = nanoseconds(of: 20_000) { precondition(decisions.next()) }
        return [Figure(name: "decision", unit: "ns", value: time, target: 800)]
    }

    /// Allocations of ten thousand turns of each part but the log, whose writer is a thread of its own that allocates at each of its
    /// turns.
    static func allocations() -> [Figure] {
        Part.allCases.filter { ![.log, .hostile, .longHostile].contains($0) }.map { part in
            let job = part.job()
            for _ in 0..<part.turnsBefore { job() }
            return Figure(
                name: "allocations, \(part.rawValue)", unit: "in 10,000",
                value: Double(Cost.of(10_000, job).allocations), target: 0)
        }
    }

    /// What 200 signatures over 6 fields add to a decision where no User-Agent is one of those just seen.
    static func signatures() -> [Figure] {
        let with = Decisions(sources: 1000, house: House(policy: policy(signatures: 200)), newAgents: true)
        let without = Decisions(sources: 1000, house: House(policy: policy(signatures: 0)), newAgents: true)
        let differences = (0..<15).map { _ in
            Cost.of(20_000) { precondition(with.next()) }.nanoseconds
                - Cost.of(20_000) { precondition(without.next()) }.nanoseconds
        }
        return [Figure(name: "200 signatures over 6 fields", unit: "ns", value: median(differences), target: 600)]
    }

    /// Literals by the hundred for the User-Agent, as lists of bad ones have them, and some of everything else.
    private static func policy(signatures count: Int) -> PolicyDocument {
        let conditions = (0..<count).map { number -> String in
            switch number {
            case 0..<163: "user_agent: { contains: scanner-\(number)x\(number * 7919 % 1000) }"
            case 163..<173: "from_user: { equals: \"90\(number)\" }"
            case 173..<181: "contact: { prefix: \"sip:tool\(number)@\" }"
            case 181..<188: "via_branch: { shape: \"z9hG4bK-\(number)-{hex:4-32}\" }"
            case 188..<194: "call_id: { shape: \"{digit:\(number - 180)}@{any}\" }"
            default: "ruri: { prefix: \"sip:\(number)00\" }"
            }
        }
        let entries = conditions.enumerated().map { number, condition in
            "  - { name: s\(number), purpose: scan, weight: 100, when: [ \(condition) ] }"
        }
        let text = """
            version: 1
            treatments: [ { name: anything, ladder: [ { answer: drop } ] } ]
            signatures:\(count == 0 ? " []" : "\n" + entries.joined(separator: "\n"))

            """
        do { return try PolicyDocument.parse(text: text, name: "bench.yaml") } catch { fatalError("\(error)") }
    }

    /// Looking an address up among 100,000 networks.
    static func prefixes() -> [Figure] {
        [
            lookUp("100,000 prefixes, IPv4", target: 60) { random in
                let length = [32, 32, 32, 24, 24, 16 + Int(random.next() % 8)][Int(random.next() % 6)]
                return Prefix(IPAddress(v4: UInt32(truncatingIfNeeded: random.next())), length: length)!
            },
            lookUp("100,000 prefixes, IPv6", target: 150) { random in
                let kind = random.next() % 20
                let length = kind == 0 ? 128 : kind < 10 ? 64 : 32 + Int(random.next() % 32)
                return Prefix(random.address, length: length)!
            },
        ]
    }

    /// Half of the addresses are in one of the networks, the others mostly in none; so many that no cache knows what comes.
    private static func lookUp(_ name: String, target: Double, _ prefix: (inout Random) -> Prefix) -> Figure {
        var random = Random(state: 7)
        let prefixes = (0..<100_000).map { _ in prefix(&random) }
        let table = PrefixTable(prefixes.map { (prefix: $0, value: 1) })
        let addresses = (0..<1 << 18).map { turn in
            turn.isMultiple(of: 2) ? prefixes[Int(random.next() % 100_000)].last : prefix(&random).last
        }
        var (index, found) = (0, 0)
        let time = nanoseconds(of: 100_000) {
            if table.contains(addresses[index & (1 << 18 - 1)]) { found += 1 }
            index += 1
        }
        precondition(found > index / 2 - 100)
        return Figure(name: name, unit: "ns", value: time, target: target)
    }
}

/// Numbers that look random and are the same in every run.
struct Random {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    /// An address of one of the sixteen blocks that registries hand out from, as it were.
    var address: IPAddress {
        mutating get {
            let network = (0x2000 | next() % 16 << 8) << 48 | next() >> 16
            return IPAddress(value: UInt128(network) << 64 | UInt128(next()))
        }
    }
}

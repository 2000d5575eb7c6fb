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
        Part.allCases.filter { $0 != .log }.map { part in
            let job = part.job()
            for _ in 0..<4000 { job() }
            return Figure(
                name: "allocations, \(part.rawValue)", unit: "in 10,000",
                value: Double(Cost.of(10_000, job).allocations), target: 0)
        }
    }

    /// What 200 signatures over 6 fields add to a decision.
    static func signatures() -> [Figure] {
        let with = Decisions(sources: 1000, house: House(policy: policy(signatures: 200)))
        let without = Decisions(sources: 1000, house: House(policy: policy(signatures: 0)))
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
        var random = Random(state: 7)
        let v4 = (0..<100_000).map { _ -> (Prefix, Int) in
            let length = [32, 32, 32, 24, 24, 16 + Int(random.next() % 8)][Int(random.next() % 6)]
            return (Prefix(IPAddress(v4: UInt32(truncatingIfNeeded: random.next())), length: length)!, 1)
        }
        let v6 = (0..<20_000).map { _ -> (Prefix, Int) in (Prefix(random.address, length: 64)!, 1) }
        return [
            lookUp("100,000 prefixes, IPv4", v4, target: 60) { IPAddress(v4: UInt32(truncatingIfNeeded: $0.next())) },
            lookUp("20,000 prefixes, IPv6", v6, target: 150) { $0.address },
        ]
    }

    private static func lookUp(
        _ name: String, _ entries: [(Prefix, Int)], target: Double, _ address: (inout Random) -> IPAddress
    ) -> Figure {
        let table = PrefixTable(entries.map { (prefix: $0.0, value: $0.1) })
        var random = Random(state: 11)
        let addresses = (0..<4096).map { _ in address(&random) }
        var (index, found) = (0, 0)
        let time = nanoseconds(of: 100_000) {
            if table[addresses[index & 4095]] != nil { found += 1 }
            index += 1
        }
        precondition(found >= 0)
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

    /// An address of 2001:db8::/32 (RFC 3849).
    var address: IPAddress {
        mutating get {
            IPAddress(value: 0x2001_0DB8 << 96 | UInt128(next()) << 32 | UInt128(next() & 0xFFFF_FFFF))
        }
    }
}

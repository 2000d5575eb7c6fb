import Guard
import Policy
import PolicyFile

/// Requests whose values are long and made to cost, under the built-in policy and patterns that are made to cost too.
enum Hostile {
    /// What a value consists of, again and again.
    private static let pieces = [
        "a", "ab", "'", "' or ", "\"\\", "sip:", "a:@", "613a", "9", "/**/", "%27", "z9hG4bK-",
    ]

    /// Decides about one request for each of the pieces, all of its values that long.
    static func deciding(bytes: Int) -> () -> Void {
        let house = House(policy: policy)
        let decider = Decider(house.state)
        let values = pieces.map { piece in
            let text = Array(piece.utf8)
            let value = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes)
            for index in 0..<bytes { value[index] = text[index % text.count] }
            return Bytes(value)
        }
        return {
            for value in values {
                var facts = RequestFacts(source: IPAddress(v4: 0xC664_0001))
                facts.transport = .udp
                for field in Field.allCases where field != .method { facts[field] = value }
                _ = decider.check(facts)
            }
        }
    }

    /// A text that is its own suffix many times, shapes that could begin anywhere and fail at the end.
    private static var policy: PolicyDocument {
        let own = (1...64).map { String(repeating: "a", count: $0) + "x" }.joined(separator: ", ")
        let runs = ["alnum", "hex", "any", "digit"].map { String(repeating: "{\($0):0-4096}", count: 5) + "x" }
        let wanted =
            ["contains: [ \(own) ]", "suffix: \(String(repeating: "a", count: 500))x"]
            + (runs + ["{any:0-4096}a{any:0-4096}a{any:0-4096}x"]).map { "shape: \"\($0)\"" }
        let fields = Field.allCases.filter { $0 != .method }
        let marks = fields.flatMap { field in wanted.map { "\(field.name): { \($0) }" } }
        let entries = marks.enumerated().map { number, mark in
            "  - { name: s\(number), purpose: scan, weight: 1, when: [ \(mark) ] }"
        }
        let text = "version: 1\nextends: default\nsignatures:\n" + entries.joined(separator: "\n") + "\n"
        do { return try PolicyDocument.parse(text: text, name: "bench.yaml") } catch { fatalError("\(error)") }
    }
}

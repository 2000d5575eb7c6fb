import Glibc
import JSON

/// One thing that was measured, and what it is to be.
struct Figure {
    let name: String
    let unit: String
    let value: Double
    /// At most this; nil for what is there to compare with.
    var target: Double?

    var json: JSONValue {
        [
            "name": .string(name), "unit": .string(unit), "value": .double(value),
            "target": target.map { .double($0) } ?? .null,
        ]
    }
}

/// The middle of the values.
func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// Nanoseconds of one turn of `body`: the median of `rounds` times `count` turns.
func nanoseconds(rounds: Int = 15, of count: Int, _ body: () -> Void) -> Double {
    for _ in 0..<count { body() }
    return median((0..<rounds).map { _ in Cost.of(count, body).nanoseconds })
}

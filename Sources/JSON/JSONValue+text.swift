internal import CJansson

extension JSONValue {
    /// The value on one line.
    public var text: String { JSONTree(self).text(flags: Int(JSON_COMPACT) | realPrecision) }

    /// The value over several lines, for a person.
    public var prettyText: String {
        let indent = 2  // JSON_INDENT(2), a macro that Swift does not see
        return JSONTree(self).text(flags: indent | realPrecision)
    }

    /// JSON_REAL_PRECISION (a macro that Swift does not see): 17 digits say every double exactly, but 15 keep 0.1 from
    /// reading 0.10000000000000001, so the longer form is for values that need it.
    private var realPrecision: Int { (hasLongReal ? 17 : 15) << 11 }

    private var hasLongReal: Bool {
        switch self {
        case .double(let value): significantDigits(of: value) > 15
        case .array(let elements): elements.contains { $0.hasLongReal }
        case .object(let object): object.members.contains { $0.value.hasLongReal }
        default: false
        }
    }
}

/// How many digits the shortest exact form of `value` has.
private func significantDigits(of value: Double) -> Int {
    let mantissa = value.description.utf8.prefix { $0 != UInt8(ascii: "e") }
    let digits = mantissa.filter { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    return digits.drop { $0 == UInt8(ascii: "0") }.count
}

extension JSONValue: CustomStringConvertible {
    public var description: String { text }
}

import JSON

/// How views look into a result. What is missing or of another kind reads as nil or nothing: an older or newer daemon
/// must never make the console fail.
extension JSONValue {
    /// The value, unless it is null. (A bare `nil` here would be the literal for `.null`.)
    var present: JSONValue? { isNull ? Optional.none : self }

    var isTrue: Bool { self == .bool(true) }

    /// A whole number of either kind.
    var integer: Int? {
        switch self {
        case .int(let number): Int(number)
        case .double(let number): Int(exactly: number.rounded())
        default: nil
        }
    }

    /// The members in their order; none of anything but an object.
    var members: [JSONObject.Member] { object?.members ?? [] }

    var isScalar: Bool { array == nil && object == nil }

    /// A scalar as a person reads it; containers as JSON.
    var words: String {
        switch self {
        case .null: "-"
        case .bool(let value): value ? "yes" : "no"
        case .int(let number): Wording.count(Int(number))
        case .double(let number): Wording.number(number)
        case .string(let text): text
        case .array(let elements) where elements.allSatisfy(\.isScalar): elements.map(\.words).joined(separator: ", ")
        case .object(let object) where object.members.allSatisfy(\.value.isScalar):
            object.isEmpty ? "-" : object.members.map { "\($0.key): \($0.value.words)" }.joined(separator: ", ")
        case .array, .object: text
        }
    }
}

extension JSONValue? {
    var present: JSONValue? { self?.present }
    var isTrue: Bool { self?.isTrue ?? false }
    /// The number, or 0.
    var count: Int { self?.integer ?? 0 }
    var string: String? { self?.string }
    /// The text, unless it is empty.
    var filled: String? { string.flatMap { $0.isEmpty ? nil : $0 } }
    var members: [JSONObject.Member] { self?.members ?? [] }
    var elements: [JSONValue] { self?.array ?? [] }
}

extension JSONValue {
    /// One line of JSON in which no sign can hijack a terminal: what JSON itself leaves bare is written as `\u009b`.
    public var safeText: String {
        var safe = ""
        for scalar in text.unicodeScalars {
            guard scalar.value >= 0x7F, scalar.isEscaped else {
                safe.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                safe += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return safe
    }
}

/// The form of a value, such as `z9hG4bK-{digit:1-10}`: literals and runs of a class of characters, from end to end.
///
/// Deliberately less than a regular expression: a run takes all it can and never gives back, so matching is one pass
/// over the value whatever the pattern and whatever an attacker sends. Classes: `digit`, `hex`, `alpha`, `alnum`, `any`.
public struct Shape: Hashable, Sendable {
    enum Part: Hashable, Sendable {
        /// These of the shape's `literals`.
        case literal(Range<Int>)
        case run(CharacterClass, ClosedRange<Int>)
    }

    enum CharacterClass: String, Sendable {
        case digit, hex, alpha, alnum, any

        func contains(_ byte: UInt8) -> Bool {
            let isAlpha = byte.lowercased >= 0x61 && byte.lowercased <= 0x7A
            return switch self {
            case .digit: byte.isDigit
            case .hex: byte.hexValue != nil
            case .alpha: isAlpha
            case .alnum: byte.isDigit || isAlpha
            case .any: true
            }
        }
    }

    private(set) var parts: [Part] = []
    /// The bytes of all literals, in lower case.
    private(set) var literals: [UInt8] = []

    /// How long a value of this form is.
    var lengths: ClosedRange<Int> {
        var (least, most) = (0, 0)
        for part in parts {
            switch part {
            case .literal(let range): (least, most) = (least + range.count, most + range.count)
            case .run(_, let length): (least, most) = (least + length.lowerBound, most + length.upperBound)
            }
        }
        return least...most
    }

    /// What is wrong with a pattern.
    public struct Mistake: Error, Equatable {
        public let description: String
    }

    /// Reads a pattern; a run is `{class}`, `{class:n}` or `{class:min-max}`.
    public init(_ pattern: String) throws(Mistake) {
        var literal: [UInt8] = []
        var rest = Substring(pattern)
        while let character = rest.popFirst() {
            guard character == "{" else {
                literal.append(contentsOf: String(character).lowercased().utf8)
                continue
            }
            guard let close = rest.firstIndex(of: "}") else { throw Mistake(description: "'{' without '}'") }
            add(literal)
            literal = []
            parts.append(try Self.run(rest[..<close]))
            rest = rest[rest.index(after: close)...]
        }
        add(literal)
        guard !parts.isEmpty else { throw Mistake(description: "an empty pattern matches nothing") }
    }

    private mutating func add(_ literal: [UInt8]) {
        guard !literal.isEmpty else { return }
        parts.append(.literal(literals.count..<(literals.count + literal.count)))
        literals += literal
    }

    private static func run(_ text: Substring) throws(Mistake) -> Part {
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let characters = CharacterClass(rawValue: String(halves[0])) else {
            throw Mistake(description: "unknown class '\(halves[0])'; there are digit, hex, alpha, alnum and any")
        }
        guard halves.count == 2 else { return .run(characters, 1...4096) }
        let ends = halves[1].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count <= 2, let low = ends[0], let high = ends[ends.count - 1], low >= 0, high >= low, high <= 4096
        else { throw Mistake(description: "'\(halves[1])' is not a length; write {digit:4} or {digit:1-10}") }
        return .run(characters, low...high)
    }

    /// Whether the whole value has the form of these parts; letters of literals are compared without case.
    static func matches(_ value: Bytes, _ parts: UnsafeBufferPointer<Part>, literals: Bytes) -> Bool {
        var index = 0
        for part in parts {
            switch part {
            case .literal(let range):
                guard value.count - index >= range.count else { return false }
                let literal = Bytes(rebasing: literals[range])
                guard value.part(index, index + range.count).hasPrefix(lowercase: literal) else { return false }
                index += range.count
            case .run(let characters, let length):
                let end = min(value.count, index + length.upperBound)
                let start = index
                while index < end, characters.contains(value[index]) { index += 1 }
                guard index - start >= length.lowerBound else { return false }
            }
        }
        return index == value.count
    }
}

/// The literal that a shape begins with, up to its eighth byte, compared in one step.
struct ShapeHead {
    private let mask: UInt64
    private let bits: UInt64

    init(_ shape: Shape) {
        guard case .literal(let range)? = shape.parts.first else {
            (mask, bits) = (0, 0)
            return
        }
        var (mask, bits): (UInt64, UInt64) = (0, 0)
        for (place, byte) in shape.literals[range].prefix(8).enumerated() {
            // A letter's case is one bit.
            let relevant: UInt8 = (0x61...0x7A).contains(byte) ? 0xDF : 0xFF
            mask |= UInt64(relevant) << UInt64(8 * place)
            bits |= UInt64(byte & relevant) << UInt64(8 * place)
        }
        (self.mask, self.bits) = (mask, bits)
    }

    /// False where a value of at least eight bytes begins with something else.
    @inline(__always)
    func mayBegin(_ value: Bytes) -> Bool {
        guard let start = value.baseAddress, value.count >= 8 else { return true }
        return UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self)) & mask == bits
    }
}

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

        @inline(__always)
        func contains(_ byte: UInt8) -> Bool {
            // The letters' places in the alphabet; others become larger.
            let letter = (byte | 0x20) &- 0x61
            return switch self {
            case .digit: byte.isDigit
            case .hex: byte.isDigit || letter < 6
            case .alpha: letter < 26
            case .alnum: byte.isDigit || letter < 26
            case .any: true
            }
        }

        /// How many of the value's bytes from `start` on, before `end`, belong to it without another between.
        func run(_ value: Bytes, _ start: Int, _ end: Int) -> Int {
            var index = start
            switch self {
            case .digit: while index < end, value[index].isDigit { index &+= 1 }
            case .any: index = end
            case .hex, .alpha, .alnum: while index < end, contains(value[index]) { index &+= 1 }
            }
            return index - start
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
                let run = characters.run(value, index, min(value.count, index + length.upperBound))
                guard run >= length.lowerBound else { return false }
                index += run
            }
        }
        return index == value.count
    }
}

/// How a value of a shape begins: with a literal, of which up to eight bytes are compared in one step, and behind it perhaps with
/// a character of a class.
struct ShapeHead {
    private var mask: UInt64 = 0
    private var bits: UInt64 = 0
    /// Where among the first eight bytes, in bits, one of a class stands, and for all classes what they have in common.
    private var place: UInt64 = 0
    private var characters = CharacterSet.every

    /// The classes that a byte belongs to.
    struct CharacterSet: OptionSet {
        let rawValue: UInt8
        static let every = CharacterSet(rawValue: 1)

        init(rawValue: UInt8) { self.rawValue = rawValue }

        init(_ characters: Shape.CharacterClass) {
            switch characters {
            case .any: self = .every
            case .digit: rawValue = 2
            case .hex: rawValue = 4
            case .alpha: rawValue = 8
            case .alnum: rawValue = 16
            }
        }
    }

    init(_ shape: Shape) {
        var (parts, end) = (shape.parts[...], 0)
        if case .literal(let range)? = parts.first {
            for (place, byte) in shape.literals[range].prefix(8).enumerated() {
                // A letter's case is one bit.
                let relevant: UInt8 = (0x61...0x7A).contains(byte) ? 0xDF : 0xFF
                mask |= UInt64(relevant) << UInt64(8 * place)
                bits |= UInt64(byte & relevant) << UInt64(8 * place)
            }
            end = range.count
            parts.removeFirst()
        }
        if case .run(let characters, let length)? = parts.first, length.lowerBound > 0, end < 8 {
            (place, self.characters) = (UInt64(8 * end), CharacterSet(characters))
        }
    }

    /// False where a value whose first eight bytes are `first` begins with something else.
    @inline(__always)
    func mayBegin(_ first: UInt64, _ classes: UnsafePointer<CharacterSet>) -> Bool {
        first & mask == bits
            && !classes[Int(UInt8(truncatingIfNeeded: first &>> place))].isDisjoint(with: characters)
    }

    /// For each byte the classes that it belongs to; the caller frees it.
    static func classes() -> UnsafePointer<CharacterSet> {
        let classes = UnsafeMutablePointer<CharacterSet>.allocate(capacity: 256)
        for byte in 0...255 {
            let all: [Shape.CharacterClass] = [.any, .digit, .hex, .alpha, .alnum]
            let belongs = all.filter { $0.contains(UInt8(byte)) }
            (classes + byte).initialize(to: belongs.reduce([]) { $0.union(CharacterSet($1)) })
        }
        return UnsafePointer(classes)
    }
}

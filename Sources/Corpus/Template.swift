import Repeatable

/// Text with placeholders, such as `z9hG4bK-{digits:10}` or `sip:{user}@{domain}`.
///
/// `{digits:n}`, `{hex:n}`, `{HEX:n}` and `{alnum:n}` are n random characters, `{number}` is a random number of 32 bits;
/// each is new wherever it stands. What else stands in braces is a value that the message's sender knows; `{value:n}` is its
/// first n characters.
struct Template: Sendable {
    enum Part: Sendable {
        case literal([UInt8])
        case value(String, Int)
        case random(Alphabet, Int)
        case number
    }

    enum Alphabet: String, CaseIterable, Sendable {
        case digits, hex, alnum
        case upperHex = "HEX"

        var bytes: [UInt8] {
            switch self {
            case .digits: Self.all[0]
            case .hex: Self.all[1]
            case .upperHex: Self.all[2]
            case .alnum: Self.all[3]
            }
        }

        private static let all = [
            "0123456789", "0123456789abcdef", "0123456789ABCDEF",
            "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ].map { Array($0.utf8) }
    }

    struct Mistake: Error {
        let description: String
    }

    private let lines: [[Part]]

    /// Reads a text of one or more lines; `names` are the values that there are.
    init(_ text: String, names: Set<String>) throws(Mistake) {
        var lines: [[Part]] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            lines.append(try Self.parts(line, names))
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        self.lines = lines
    }

    private static func parts(_ line: Substring, _ names: Set<String>) throws(Mistake) -> [Part] {
        var parts: [Part] = []
        var rest = line
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else { throw Mistake(description: "'{' without '}'") }
            if open > rest.startIndex { parts.append(.literal(Array(rest[..<open].utf8))) }
            parts.append(try placeholder(rest[rest.index(after: open)..<close], names))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.literal(Array(rest.utf8))) }
        return parts
    }

    private static func placeholder(_ name: Substring, _ names: Set<String>) throws(Mistake) -> Part {
        let halves = name.split(separator: ":", omittingEmptySubsequences: false)
        let count = halves.count == 2 ? Int(halves[1]) ?? 0 : 1 << 16
        guard halves.count <= 2, count > 0, halves.count == 1 || count <= 64 else {
            throw Mistake(description: "'{\(name)}' has no length from 1 to 64")
        }
        if let alphabet = Alphabet(rawValue: String(halves[0])) { return .random(alphabet, count) }
        if name == "number" { return .number }
        guard names.contains(String(halves[0])) else {
            throw Mistake(description: "there is no value '{\(name)}' here")
        }
        return .value(String(halves[0]), count)
    }

    /// The text of a single line.
    func text(_ random: inout SeededRandom, _ value: (String) -> String) -> String {
        var bytes: [UInt8] = []
        for part in lines.first ?? [] { Self.append(part, to: &bytes, &random, value) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The message with the line ends of SIP. A line of nothing but values that are empty is left out.
    func message(_ random: inout SeededRandom, _ value: (String) -> String) -> [UInt8] {
        var bytes: [UInt8] = []
        for line in lines {
            let start = bytes.count
            for part in line { Self.append(part, to: &bytes, &random, value) }
            if bytes.count > start || line.isEmpty { bytes += [0x0D, 0x0A] }
        }
        return bytes + [0x0D, 0x0A]
    }

    private static func append(
        _ part: Part, to bytes: inout [UInt8], _ random: inout SeededRandom, _ value: (String) -> String
    ) {
        switch part {
        case .literal(let text): bytes += text
        case .value(let name, let count): bytes += value(name).utf8.prefix(count)
        case .number: bytes += Array(String(UInt32.random(in: 1 << 28 ... .max, using: &random)).utf8)
        case .random(let alphabet, let count):
            let text = random.text(alphabet.bytes, count)
            // A number that begins with 0 would be of another form.
            bytes += text.first == 0x30 && alphabet == .digits ? [0x31] + text.dropFirst() : text
        }
    }
}

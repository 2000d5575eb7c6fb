/// The conditions of a policy's signatures, laid out to be looked at for every request.
///
/// `Signature` says what is wanted, in types made for reading a policy; comparing through those would count references by
/// the dozen for each request, on counters that all threads share. Here everything is plain values in memory that never
/// changes, so a request is compared without reference counting and without an allocation.
final class SignatureMatcher: @unchecked Sendable {  // Sendable: nothing changes between init and deinit
    private enum Test {
        case equals, prefix, suffix, contains, shape, dialled
        case form(Form)
    }

    /// One condition: the test, and which of the texts (or of the parts of shapes) belong to it.
    private struct Check {
        let fields: FieldSet
        let test: Test
        let range: Range<Int>
    }

    private struct Text {
        let start: Int
        let count: Int
        let letters: LetterSet
    }

    /// For each signature its checks, all of which must hold.
    private let signatures: UnsafeBufferPointer<Range<Int>>
    private let checks: UnsafeBufferPointer<Check>
    private let texts: UnsafeBufferPointer<Text>
    private let parts: UnsafeBufferPointer<Shape.Part>
    private let bytes: Bytes
    private let dialling: DiallingPlan

    init(_ all: [Signature], dialling: DiallingPlan) {
        self.dialling = dialling
        var layout = Layout()
        for signature in all { layout.add(signature) }
        signatures = .frozen(layout.signatures)
        checks = .frozen(layout.checks)
        texts = .frozen(layout.texts)
        parts = .frozen(layout.parts)
        bytes = .frozen(layout.bytes)
    }

    deinit {
        signatures.deallocate()
        checks.deallocate()
        texts.deallocate()
        parts.deallocate()
        bytes.deallocate()
    }

    /// How many signatures there are.
    var count: Int { signatures.count }

    /// Whether a request carries the mark of the signature with this index.
    func matches(_ index: Int, _ facts: RequestFacts) -> Bool {
        let range = signatures[index]
        for check in range where !holds(checks[check], facts) { return false }
        return !range.isEmpty
    }

    /// True if any of the fields is known and matches.
    private func holds(_ check: Check, _ facts: RequestFacts) -> Bool {
        var fields = check.fields
        while let field = fields.popFirst() {
            let value = facts[at: field]
            if value.isKnown, matches(value, check, facts) { return true }
        }
        return false
    }

    private func matches(_ value: Bytes, _ check: Check, _ facts: RequestFacts) -> Bool {
        switch check.test {
        case .equals: any(check.range) { value.count == $0.count && value.hasPrefix(lowercase: $0) }
        case .prefix: any(check.range) { value.hasPrefix(lowercase: $0) }
        case .suffix: any(check.range) { value.hasSuffix(lowercase: $0) }
        case .contains: contains(value, check.range)
        case .shape: Shape.matches(value, UnsafeBufferPointer(rebasing: parts[check.range]), literals: bytes)
        case .form(let form): form.matches(value, in: facts)
        case .dialled: dials(value, check.range)
        }
    }

    private func dials(_ value: Bytes, _ range: Range<Int>) -> Bool {
        guard let number = DialledNumber(value)?.international(dialling) else { return false }
        return any(range) { number.hasPrefix(lowercase: $0) }
    }

    private func any(_ range: Range<Int>, _ matches: (Bytes) -> Bool) -> Bool {
        for index in range where matches(bytes(of: texts[index])) { return true }
        return false
    }

    /// Most texts have a letter that the value has not, which one operation tells.
    private func contains(_ value: Bytes, _ range: Range<Int>) -> Bool {
        let letters = LetterSet(of: value)
        for index in range where letters.isSuperset(of: texts[index].letters) {
            if value.contains(lowercase: bytes(of: texts[index])) { return true }
        }
        return false
    }

    private func bytes(of text: Text) -> Bytes { bytes.part(text.start, text.start + text.count) }
}

extension SignatureMatcher {
    /// What becomes the matcher's memory.
    private struct Layout {
        var signatures: [Range<Int>] = []
        var checks: [Check] = []
        var texts: [Text] = []
        var parts: [Shape.Part] = []
        var bytes: [UInt8] = []

        mutating func add(_ signature: Signature) {
            let start = checks.count
            for condition in signature.conditions {
                let (test, range) = add(condition.matcher)
                checks.append(Check(fields: FieldSet(condition.fields), test: test, range: range))
            }
            signatures.append(start..<checks.count)
        }

        private mutating func add(_ matcher: Matcher) -> (Test, Range<Int>) {
            switch matcher {
            case .equals(let texts): (.equals, add(texts))
            case .prefix(let texts): (.prefix, add(texts))
            case .suffix(let texts): (.suffix, add(texts))
            case .contains(let texts): (.contains, add(texts))
            case .shape(let shape): (.shape, add(shape))
            case .form(let form): (.form(form), 0..<0)
            case .dialled(let codes): (.dialled, add(codes))
            }
        }

        private mutating func add(_ more: [[UInt8]]) -> Range<Int> {
            let start = texts.count
            for text in more {
                let letters = text.withUnsafeBufferPointer { LetterSet(of: $0) }
                texts.append(Text(start: bytes.count, count: text.count, letters: letters))
                bytes += text
            }
            return start..<texts.count
        }

        private mutating func add(_ shape: Shape) -> Range<Int> {
            let (start, offset) = (parts.count, bytes.count)
            for part in shape.parts {
                if case .literal(let range) = part {
                    parts.append(.literal((range.lowerBound + offset)..<(range.upperBound + offset)))
                } else {
                    parts.append(part)
                }
            }
            bytes += shape.literals
            return start..<parts.count
        }
    }
}

/// Some of the textual facts.
private struct FieldSet {
    private var bits: UInt32 = 0

    init(_ fields: [Field]) {
        for field in fields { bits |= 1 << UInt32(field.rawValue) }
    }

    /// Takes out the field that comes first in `Field`, as its raw value.
    mutating func popFirst() -> Int? {
        guard bits != 0 else { return nil }
        defer { bits &= bits - 1 }
        return bits.trailingZeroBitCount
    }
}

/// Which letters a text has, case aside, six bits of each: one set says at once that another cannot be within it.
private struct LetterSet {
    private var bits: UInt64 = 0

    init(of text: Bytes) {
        for byte in text { bits |= 1 << UInt64(byte.lowercased & 63) }
    }

    func isSuperset(of other: LetterSet) -> Bool { other.bits & ~bits == 0 }
}

extension UnsafeBufferPointer {
    /// A copy in memory of its own, which the caller frees.
    fileprivate static func frozen(_ elements: [Element]) -> Self {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = memory.initialize(from: elements)
        return Self(memory)
    }
}

/// The conditions of a policy's signatures, laid out to be looked at for every request.
///
/// `Signature` says what is wanted, in types made for reading a policy. Here it is turned round: for each field, what is
/// wanted of it, so that a request's values are each looked at once, however many signatures there are. Everything is plain
/// values in memory that never changes: no reference is counted and nothing is allocated.
final class SignatureMatcher: @unchecked Sendable {  // Sendable: nothing changes between init and deinit
    /// What is wanted of one field.
    fileprivate struct Plan {
        let field: Int
        let equals: TextTrie
        let prefixes: TextTrie
        let suffixes: TextTrie
        let contained: TextTrie
        /// Country codes of the number that is dialled.
        let dialled: TextTrie
        /// The conditions that want the empty value.
        let empty: Range<Int>
        let shapes: Range<Int>
        let forms: Range<Int>
    }

    fileprivate struct ShapeCheck {
        let condition: Int
        let parts: Range<Int>
        /// Whether this is the shape of the check before.
        let isSame: Bool
    }

    fileprivate struct FormCheck {
        let condition: Int
        let form: Form
    }

    private let plans: UnsafeBufferPointer<Plan>
    private let empty: UnsafeBufferPointer<Int>
    private let shapes: UnsafeBufferPointer<ShapeCheck>
    private let forms: UnsafeBufferPointer<FormCheck>
    private let parts: UnsafeBufferPointer<Shape.Part>
    private let literals: Bytes
    /// The conditions of each signature, numbered in one row.
    private let signatures: UnsafeBufferPointer<Range<Int>>
    /// For each condition the signature of which it is the first, or -1.
    private let firsts: UnsafeBufferPointer<Int>
    private let words: Int

    private let dialling: DiallingPlan

    init(_ all: [Signature], dialling: DiallingPlan) {
        self.dialling = dialling
        var layout = Layout(all)
        plans = .frozen(Field.allCases.compactMap { layout.plan(for: $0) })
        empty = .frozen(layout.empty)
        shapes = .frozen(layout.shapes)
        forms = .frozen(layout.forms)
        parts = .frozen(layout.parts)
        literals = .frozen(layout.literals)
        signatures = .frozen(layout.signatures)
        firsts = .frozen(layout.firsts)
        words = max(1, (layout.firsts.count + 63) / 64)
    }

    deinit {
        for plan in plans { plan.deallocate() }
        plans.deallocate()
        empty.deallocate()
        shapes.deallocate()
        forms.deallocate()
        parts.deallocate()
        literals.deallocate()
        signatures.deallocate()
        firsts.deallocate()
    }

    /// How many signatures there are.
    var count: Int { signatures.count }

    /// The signatures whose marks a request carries, of the first 512.
    func carried(by facts: borrowing RequestFacts) -> SignatureSet {
        facts.withTexts { texts in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { held in
                held.initialize(repeating: 0)
                for index in 0..<plans.count {
                    let plan = plans.baseAddress! + index
                    let value = texts[plan.pointee.field]
                    if value.isKnown { look(at: value, plan, texts, held) }
                }
                return signatures(holding: held)
            }
        }
    }

    /// Marks the conditions that the value of a field fulfils.
    private func look(
        at value: Bytes, _ plan: UnsafePointer<Plan>, _ texts: Texts, _ held: UnsafeMutableBufferPointer<UInt64>
    ) {
        func hold(_ condition: Int) { held[condition >> 6] |= 1 << UInt64(condition & 63) }
        if let first = value.first {
            if plan.pointee.equals.begins(with: first) { plan.pointee.equals.whole(value, hold) }
            if plan.pointee.prefixes.begins(with: first) { plan.pointee.prefixes.walk(value, hold) }
            if plan.pointee.suffixes.begins(with: value[value.count - 1]) {
                plan.pointee.suffixes.walkBack(value, hold)
            }
            if !plan.pointee.contained.isEmpty { plan.pointee.contained.scan(value, hold) }
            if !plan.pointee.dialled.isEmpty, let number = DialledNumber(value)?.international(dialling) {
                plan.pointee.dialled.walk(number, hold)
            }
        } else {
            for index in plan.pointee.empty { hold(empty[index]) }
        }
        var matches = false
        for index in plan.pointee.shapes {
            if !shapes[index].isSame {
                let parts = UnsafeBufferPointer(rebasing: parts[shapes[index].parts])
                matches = Shape.matches(value, parts, literals: literals)
            }
            if matches { hold(shapes[index].condition) }
        }
        for index in plan.pointee.forms where forms[index].form.matches(value, in: texts) {
            hold(forms[index].condition)
        }
    }

    /// Those of which all conditions hold.
    private func signatures(holding held: UnsafeMutableBufferPointer<UInt64>) -> SignatureSet {
        var set = SignatureSet()
        for word in 0..<held.count {
            var bits = held[word]
            while bits != 0 {
                let signature = firsts[word << 6 | bits.trailingZeroBitCount]
                bits &= bits - 1
                if signature >= 0, holdsAll(signatures[signature], held) { set.insert(signature) }
            }
        }
        return set
    }

    private func holdsAll(_ conditions: Range<Int>, _ held: UnsafeMutableBufferPointer<UInt64>) -> Bool {
        for condition in conditions where held[condition >> 6] & 1 << UInt64(condition & 63) == 0 { return false }
        return true
    }
}

extension SignatureMatcher.Plan {
    fileprivate func deallocate() {
        for trie in [equals, prefixes, suffixes, contained, dialled] { trie.deallocate() }
    }
}

/// Some of the first 512 signatures, by index.
struct SignatureSet {
    private var words = InlineArray<8, UInt64>(repeating: 0)
    /// Which words are not zero.
    private var present: UInt8 = 0

    mutating func insert(_ index: Int) {
        guard index < Hits.mostSignatures else { return }
        words[index >> 6] |= 1 << UInt64(index & 63)
        present |= 1 << UInt8(index >> 6)
    }

    /// Takes out the signature that comes first.
    mutating func popFirst() -> Int? {
        guard present != 0 else { return nil }
        let word = present.trailingZeroBitCount
        let bit = words[word].trailingZeroBitCount
        words[word] &= words[word] - 1
        if words[word] == 0 { present &= present - 1 }
        return word << 6 | bit
    }
}

extension SignatureMatcher {
    /// What becomes the matcher's memory.
    private struct Layout {
        private(set) var signatures: [Range<Int>] = []
        private(set) var firsts: [Int] = []
        private(set) var empty: [Int] = []
        private(set) var shapes: [ShapeCheck] = []
        private(set) var forms: [FormCheck] = []
        private(set) var parts: [Shape.Part] = []
        private(set) var literals: [UInt8] = []
        private var conditions: [Condition] = []
        /// The field's shape that was added last.
        private var before: Shape?

        init(_ all: [Signature]) {
            for (index, signature) in all.enumerated() {
                let start = conditions.count
                conditions += signature.conditions
                signatures.append(start..<conditions.count)
                firsts += signature.conditions.indices.map { $0 == 0 ? index : -1 }
            }
        }

        /// What is wanted of a field, if anything.
        mutating func plan(for field: Field) -> Plan? {
            let wanted = conditions.indices.filter { conditions[$0].fields.contains(field) }
            guard !wanted.isEmpty else { return nil }
            let (empty, shapes, forms) = (empty.count, shapes.count, forms.count)
            before = nil
            for condition in wanted { addOther(condition) }
            let equals = texts(wanted) { if case .equals(let texts) = $0 { texts } else { [] } }
            let prefixes = texts(wanted) { if case .prefix(let texts) = $0 { texts } else { [] } }
            let suffixes = texts(wanted) { if case .suffix(let texts) = $0 { texts.map { $0.reversed() } } else { [] } }
            let contained = texts(wanted) { if case .contains(let texts) = $0 { texts } else { [] } }
            let dialled = texts(wanted) { if case .dialled(let codes) = $0 { codes } else { [] } }
            return Plan(
                field: field.rawValue, equals: TextTrie(equals), prefixes: TextTrie(prefixes),
                suffixes: TextTrie(suffixes), contained: TextTrie(contained, linked: true), dialled: TextTrie(dialled),
                empty: empty..<self.empty.count, shapes: shapes..<self.shapes.count, forms: forms..<self.forms.count)
        }

        private func texts(_ wanted: [Int], _ texts: (Matcher) -> [[UInt8]]) -> [(text: [UInt8], condition: Int)] {
            wanted.flatMap { condition in
                texts(conditions[condition].matcher).filter { !$0.isEmpty }.map { ($0, condition) }
            }
        }

        /// What no trie holds.
        private mutating func addOther(_ condition: Int) {
            switch conditions[condition].matcher {
            case .equals(let texts): if texts.contains([]) { empty.append(condition) }
            case .prefix, .suffix, .contains, .dialled: break
            case .form(let form): forms.append(FormCheck(condition: condition, form: form))
            case .shape(let shape):
                let (start, offset) = (parts.count, literals.count)
                parts += shape.parts.map { $0.moved(by: offset) }
                literals += shape.literals
                shapes.append(ShapeCheck(condition: condition, parts: start..<parts.count, isSame: shape == before))
                before = shape
            }
        }
    }
}

extension Shape.Part {
    /// The same part with its literal so many places further.
    fileprivate func moved(by offset: Int) -> Self {
        guard case .literal(let range) = self else { return self }
        return .literal((range.lowerBound + offset)..<(range.upperBound + offset))
    }
}

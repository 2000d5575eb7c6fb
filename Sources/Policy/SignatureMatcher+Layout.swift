extension SignatureMatcher {
    /// What becomes the matcher's memory.
    struct Layout {
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
            let (empty, shapes) = (empty.count, shapes.count)
            before = nil
            for condition in wanted { addOther(condition) }
            let (quoted, forms) = (addForms(wanted) { $0.needsQuote }, addForms(wanted) { !$0.needsQuote })
            let equals = texts(wanted) { if case .equals(let texts) = $0 { texts } else { [] } }
            let prefixes = texts(wanted) { if case .prefix(let texts) = $0 { texts } else { [] } }
            let suffixes = texts(wanted) { if case .suffix(let texts) = $0 { texts.map { $0.reversed() } } else { [] } }
            let contained = texts(wanted) { if case .contains(let texts) = $0 { texts } else { [] } }
            let dialled = texts(wanted) { if case .dialled(let codes) = $0 { codes } else { [] } }
            var kinds: Kinds = []
            for (kind, isWanted) in [
                (Kinds.suffixes, !suffixes.isEmpty), (.contained, !contained.isEmpty), (.dialled, !dialled.isEmpty),
                (.shapes, shapes < self.shapes.count), (.quoted, !quoted.isEmpty), (.forms, !forms.isEmpty),
            ] where isWanted { kinds.insert(kind) }
            return Plan(
                field: field.rawValue, kinds: kinds, ends: ends(equals, prefixes, suffixes, forms),
                lengths: equals.reduce(0) { $0 | 1 << UInt64(min($1.text.count, 63)) },
                skip: TextSkip(contained.map(\.text)), shapes: shapes..<self.shapes.count, quoted: quoted,
                forms: forms, leastForm: self.forms[forms].map(\.form.leastLength).min() ?? 0, equals: TextTrie(equals),
                prefixes: TextTrie(prefixes), suffixes: TextTrie(suffixes),
                contained: TextTrie(contained, linked: true), dialled: TextTrie(dialled),
                empty: empty..<self.empty.count)
        }

        private func ends(
            _ equals: [Wanted], _ prefixes: [Wanted], _ suffixes: [Wanted], _ forms: Range<Int>
        ) -> UnsafePointer<Ends> {
            let ends = UnsafeMutablePointer<Ends>.allocate(capacity: 256)
            ends.initialize(repeating: [], count: 256)
            for (texts, end) in [(equals, Ends.equals), (prefixes, .prefix), (suffixes, .suffix)] {
                for (text, _) in texts { for byte in text[0].bothCases { ends[Int(byte)].insert(end) } }
            }
            for byte in 0..<256 where self.forms[forms].contains(where: { $0.form.mayBegin(with: UInt8(byte)) }) {
                ends[byte].insert(.form)
            }
            return UnsafePointer(ends)
        }

        private mutating func addForms(_ wanted: [Int], where belongs: (Form) -> Bool) -> Range<Int> {
            let start = forms.count
            for condition in wanted {
                guard case .form(let form) = conditions[condition].matcher, belongs(form) else { continue }
                forms.append(FormCheck(condition: condition, form: form))
            }
            return start..<forms.count
        }

        private typealias Wanted = (text: [UInt8], condition: Int)

        private func texts(_ wanted: [Int], _ texts: (Matcher) -> [[UInt8]]) -> [Wanted] {
            wanted.flatMap { condition in
                texts(conditions[condition].matcher).filter { !$0.isEmpty }.map { ($0, condition) }
            }
        }

        /// The empty text and shapes, which no trie holds.
        private mutating func addOther(_ condition: Int) {
            switch conditions[condition].matcher {
            case .equals(let texts): if texts.contains([]) { empty.append(condition) }
            case .prefix, .suffix, .contains, .dialled, .form: break
            case .shape(let shape):
                let (start, offset) = (parts.count, literals.count)
                parts += shape.parts.map { $0.moved(by: offset) }
                literals += shape.literals
                shapes.append(
                    ShapeCheck(
                        condition: condition, parts: start..<parts.count, lengths: shape.lengths,
                        head: ShapeHead(shape), isSame: shape == before))
                before = shape
            }
        }
    }
}

extension UInt8 {
    /// The byte itself, and a lower-case letter's upper case.
    fileprivate var bothCases: [UInt8] { (0x61...0x7A).contains(self) ? [self, self & 0xDF] : [self] }
}

extension Shape.Part {
    /// The same part with its literal so many places further.
    fileprivate func moved(by offset: Int) -> Self {
        guard case .literal(let range) = self else { return self }
        return .literal((range.lowerBound + offset)..<(range.upperBound + offset))
    }
}

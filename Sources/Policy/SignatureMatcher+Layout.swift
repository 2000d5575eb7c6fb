extension SignatureMatcher {
    /// What becomes the matcher's memory.
    struct Layout {
        private(set) var plans: [Plan] = []
        private(set) var searches: [Search] = []
        private(set) var fields = Fields()
        private(set) var signatures: [Range<Int>] = []
        private(set) var firsts: [Int] = []
        private(set) var empty: [Int] = []
        private(set) var shapes: [ShapeCheck] = []
        private(set) var shapeConditions: [Int] = []
        private(set) var forms: [FormCheck] = []
        private(set) var parts: [Shape.Part] = []
        private(set) var literals: [UInt8] = []
        private(set) var tables = Tables()
        private var conditions: [Condition] = []
        /// The texts for which there are tables already, which tries and skips stand for at the same place.
        private var known: [(texts: [Wanted], isLinked: Bool, trie: TextTrie)] = []
        private var skipped: [(texts: [[UInt8]], skip: TextSkip)] = []

        init(_ all: [Signature]) {
            for (index, signature) in all.enumerated() {
                let start = conditions.count
                conditions += signature.conditions
                signatures.append(start..<conditions.count)
                firsts += signature.conditions.indices.map { $0 == 0 ? index : -1 }
            }
            for field in Field.allCases { add(field) }
            if let agents = searches.firstIndex(where: { $0.field == Field.userAgent.rawValue }) {
                searches[agents].isRemembered = true
            }
        }

        /// What is wanted of a field, if anything.
        private mutating func add(_ field: Field) {
            let wanted = conditions.indices.filter { conditions[$0].fields.contains(field) }
            guard !wanted.isEmpty else { return }
            let (empty, shapes) = (empty.count, shapes.count)
            for condition in wanted where conditions[condition].matcher.wantsNothing { self.empty.append(condition) }
            addShapes(wanted)
            let (quoted, forms) = (addForms(wanted) { $0.needsQuote }, addForms(wanted) { !$0.needsQuote })
            let equals = texts(wanted) { if case .equals(let texts) = $0 { texts } else { [] } }
            let prefixes = texts(wanted) { if case .prefix(let texts) = $0 { texts } else { [] } }
            let suffixes = texts(wanted) { if case .suffix(let texts) = $0 { texts.map { $0.reversed() } } else { [] } }
            let contained = texts(wanted) { if case .contains(let texts) = $0 { texts } else { [] } }
            let dialled = texts(wanted) { if case .dialled(let codes) = $0 { codes } else { [] } }
            let place = (prefixes.map(\.text.count).min() ?? 1) - 1
            let plan = Plan(
                field: field.rawValue, ends: ends(equals, prefixes, suffixes, forms, place),
                lengths: equals.reduce(0) { $0 | 1 << UInt64(min($1.text.count, 63)) }, prefixPlace: place,
                quoted: quoted, forms: forms, leastForm: self.forms[forms].map(\.form.leastLength).min() ?? 0,
                shapes: shapes..<self.shapes.count, equals: trie(equals), prefixes: trie(prefixes),
                suffixes: trie(suffixes), dialled: trie(dialled), empty: empty..<self.empty.count)
            if !contained.isEmpty {
                searches.append(
                    Search(
                        field: field.rawValue, skip: skip(contained.map(\.text)), texts: trie(contained, linked: true)))
            }
            if !quoted.isEmpty { fields.quoted.append(field.rawValue) }
            if !plan.shapes.isEmpty { fields.shapes.append(plans.count) }
            if !dialled.isEmpty { fields.dialled.append(plans.count) }
            if !suffixes.isEmpty { fields.suffixes.append(plans.count) }
            plans.append(plan)
        }

        private mutating func trie(_ texts: [Wanted], linked: Bool = false) -> TextTrie {
            if let same = known.first(where: { $0.isLinked == linked && $0.texts.elementsEqual(texts, by: ==) }) {
                return same.trie
            }
            let trie = TextTrie(texts, linked: linked)
            tables.tries.append(trie)
            known.append((texts, linked, trie))
            return trie
        }

        private mutating func skip(_ texts: [[UInt8]]) -> TextSkip {
            if let same = skipped.first(where: { $0.texts == texts }) { return same.skip }
            let skip = TextSkip(texts)
            tables.skips.append(skip)
            skipped.append((texts, skip))
            return skip
        }

        private mutating func ends(
            _ equals: [Wanted], _ prefixes: [Wanted], _ suffixes: [Wanted], _ forms: Range<Int>, _ place: Int
        ) -> UnsafePointer<Ends> {
            let ends = UnsafeMutablePointer<Ends>.allocate(capacity: 256)
            ends.initialize(repeating: [], count: 256)
            for (texts, end) in [(equals, Ends.equals), (prefixes, .prefix), (suffixes, .suffix)] {
                for (text, _) in texts { for byte in text[0].bothCases { ends[Int(byte)].insert(end) } }
            }
            for (text, _) in prefixes { for byte in text[place].bothCases { ends[Int(byte)].insert(.prefixPlace) } }
            for byte in 0..<256 where self.forms[forms].contains(where: { $0.form.mayBegin(with: UInt8(byte)) }) {
                ends[byte].insert(.form)
            }
            tables.ends.append(ends)
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

        /// Each shape once, with all conditions that want it.
        private mutating func addShapes(_ wanted: [Int]) {
            var all: [(shape: Shape, conditions: [Int])] = []
            for condition in wanted {
                guard case .shape(let shape) = conditions[condition].matcher else { continue }
                if let same = all.firstIndex(where: { $0.shape == shape }) {
                    all[same].conditions.append(condition)
                } else {
                    all.append((shape, [condition]))
                }
            }
            for (shape, conditions) in all { add(shape, conditions) }
        }

        private mutating func add(_ shape: Shape, _ conditions: [Int]) {
            let (start, offset, first) = (parts.count, literals.count, shapeConditions.count)
            parts += shape.parts.map { $0.moved(by: offset) }
            literals += shape.literals
            shapeConditions += conditions
            shapes.append(
                ShapeCheck(
                    head: ShapeHead(shape), lengths: shape.lengths, parts: start..<parts.count,
                    conditions: first..<shapeConditions.count))
        }
    }
}

extension Matcher {
    /// Whether the empty text is one of those that a value may equal, which no trie holds.
    fileprivate var wantsNothing: Bool {
        guard case .equals(let texts) = self else { return false }
        return texts.contains([])
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

/// The conditions of a policy's signatures, laid out to be looked at for every request.
///
/// `Signature` says what is wanted, in types made for reading a policy. Here it is turned round: for each field, what is
/// wanted of it, so that a request's values are each looked at once, however many signatures there are. Everything is plain
/// values in memory that never changes: no reference is counted and nothing is allocated.
final class SignatureMatcher: @unchecked Sendable {  // Sendable: nothing changes between init and deinit
    /// What is wanted of one field. First what every value is looked at with.
    struct Plan {
        let field: Int
        /// What there is for this field.
        let kinds: Kinds
        /// For each byte the `Ends` for which it is a text's first one, with suffixes the last.
        let ends: UnsafePointer<Ends>
        /// The lengths of the texts to equal, one bit each; the last bit for that and more.
        let lengths: UInt64
        let skip: TextSkip
        let shapes: Range<Int>
        /// Forms that a value without a quote cannot have, and the others, with the length of the shortest value of those.
        let quoted: Range<Int>
        let forms: Range<Int>
        let leastForm: Int
        let equals: TextTrie
        let prefixes: TextTrie
        let suffixes: TextTrie
        let contained: TextTrie
        /// Country codes of the number that is dialled.
        let dialled: TextTrie
        /// The conditions that want the empty value.
        let empty: Range<Int>
    }

    /// What may be wanted of a field besides texts that begin it or are all of it.
    struct Kinds: OptionSet {
        let rawValue: UInt8
        static let suffixes = Kinds(rawValue: 1)
        static let contained = Kinds(rawValue: 2)
        static let dialled = Kinds(rawValue: 4)
        static let shapes = Kinds(rawValue: 8)
        static let quoted = Kinds(rawValue: 16)
        static let forms = Kinds(rawValue: 32)
    }

    /// The tries that a value's first or last byte leads into, and whether a value of some form begins with it.
    struct Ends: OptionSet {
        let rawValue: UInt8
        static let equals = Ends(rawValue: 1)
        static let prefix = Ends(rawValue: 2)
        static let suffix = Ends(rawValue: 4)
        static let form = Ends(rawValue: 8)
    }

    struct ShapeCheck {
        let condition: Int
        let parts: Range<Int>
        /// What a value's length must be.
        let lengths: ClosedRange<Int>
        let head: ShapeHead
        /// Whether this is the shape of the check before.
        let isSame: Bool
    }

    struct FormCheck {
        let condition: Int
        let form: Form
    }

    private typealias Parts = UnsafeBufferPointer<Shape.Part>

    private let plans: UnsafeBufferPointer<Plan>
    private let empty: UnsafeBufferPointer<Int>
    private let shapes: UnsafeBufferPointer<ShapeCheck>
    private let forms: UnsafeBufferPointer<FormCheck>
    private let parts: Parts
    private let literals: Bytes
    /// The conditions of each signature, numbered in one row.
    private let signatures: UnsafeBufferPointer<Range<Int>>
    /// For each condition the signature of which it is the first, or -1.
    private let firsts: UnsafeBufferPointer<Int>
    private let words: Int
    private let classes = ShapeHead.classes()

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
        classes.deallocate()
    }

    /// How many signatures there are.
    var count: Int { signatures.count }

    /// The signatures whose marks a request carries, of the first 512.
    func carried(by facts: borrowing RequestFacts) -> SignatureSet {
        facts.withTexts { texts in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { held in
                held.initialize(repeating: 0)
                let held = Held(words: held.baseAddress!)
                for index in 0..<plans.count {
                    let plan = plans.baseAddress! + index
                    let value = texts[plan.pointee.field]
                    if value.isKnown { look(at: value, plan, texts, held) }
                }
                return signatures(holding: held)
            }
        }
    }

    /// Marks the conditions that the value of a field fulfils. Here stands what nearly every value comes through in few steps;
    /// what takes more is apart.
    @inline(__always)
    private func look(at value: Bytes, _ plan: UnsafePointer<Plan>, _ texts: Texts, _ held: Held) {
        let kinds = plan.pointee.kinds
        guard let start = value.baseAddress, value.count > 0 else { return lookAtNothing(plan, texts, held) }
        let ends = plan.pointee.ends[Int(start[0])]
        if ends.contains(.equals), plan.pointee.lengths & 1 << UInt64(min(value.count, 63)) != 0 {
            compare(value, plan, held)
        }
        if ends.contains(.prefix) { lookAtBeginning(of: value, plan, held) }
        if kinds.isEmpty { return }
        if kinds.contains(.suffixes), plan.pointee.ends[Int(start[value.count - 1])].contains(.suffix) {
            lookAtEnd(of: value, plan, held)
        }
        if kinds.contains(.contained), let candidate = plan.pointee.skip.candidate(in: value) {
            search(value, from: candidate, plan, held)
        }
        if kinds.contains(.dialled) { lookAtNumber(value, plan, held) }
        if kinds.contains(.shapes) { compareShapes(value, plan, held) }
        if kinds.contains(.quoted), value.mayHoldQuote { compareForms(value, plan.pointee.quoted, texts, held) }
        if ends.contains(.form), value.count >= plan.pointee.leastForm {
            compareForms(value, plan.pointee.forms, texts, held)
        }
    }

    @inline(never)
    private func lookAtNothing(_ plan: UnsafePointer<Plan>, _ texts: Texts, _ held: Held) {
        for index in plan.pointee.empty { held.mark(empty[index]) }
        compareShapes(.present, plan, held)
        compareForms(.present, plan.pointee.forms, texts, held)
    }

    @inline(never)
    private func compare(_ value: Bytes, _ plan: UnsafePointer<Plan>, _ held: Held) {
        plan.pointee.equals.whole(value, held.mark)
    }

    @inline(never)
    private func lookAtBeginning(of value: Bytes, _ plan: UnsafePointer<Plan>, _ held: Held) {
        plan.pointee.prefixes.walk(value, held.mark)
    }

    @inline(never)
    private func lookAtEnd(of value: Bytes, _ plan: UnsafePointer<Plan>, _ held: Held) {
        plan.pointee.suffixes.walkBack(value, held.mark)
    }

    @inline(never)
    private func search(_ value: Bytes, from candidate: Int, _ plan: UnsafePointer<Plan>, _ held: Held) {
        var next = Optional(candidate)
        while let place = next {
            next = plan.pointee.skip.candidate(
                in: value, from: plan.pointee.contained.scan(value, from: place, held.mark))
        }
    }

    @inline(never)
    private func lookAtNumber(_ value: Bytes, _ plan: UnsafePointer<Plan>, _ held: Held) {
        guard let number = DialledNumber(value)?.international(dialling) else { return }
        plan.pointee.dialled.walk(number, held.mark)
    }

    private func compareShapes(_ value: Bytes, _ plan: UnsafePointer<Plan>, _ held: Held) {
        // A shorter value is compared without a look at its head.
        guard let start = value.baseAddress, value.count >= 8 else {
            return compareShapes(value, plan, held) { _ in true }
        }
        let first = UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
        compareShapes(value, plan, held) { $0.mayBegin(first, classes) }
    }

    @inline(__always)
    private func compareShapes(
        _ value: Bytes, _ plan: UnsafePointer<Plan>, _ held: Held, _ mayBegin: (ShapeHead) -> Bool
    ) {
        var matches = false
        for index in plan.pointee.shapes {
            let check = shapes.baseAddress! + index
            if !check.pointee.isSame {
                matches =
                    mayBegin(check.pointee.head) && check.pointee.lengths.contains(value.count)
                    && Shape.matches(value, Parts(rebasing: parts[check.pointee.parts]), literals: literals)
            }
            if matches { held.mark(check.pointee.condition) }
        }
    }

    @inline(never)
    private func compareForms(_ value: Bytes, _ checks: Range<Int>, _ texts: Texts, _ held: Held) {
        for index in checks where forms[index].form.matches(value, in: texts) { held.mark(forms[index].condition) }
    }

    /// Those of which all conditions hold.
    private func signatures(holding held: Held) -> SignatureSet {
        var set = SignatureSet()
        for word in 0..<words {
            var bits = held.words[word]
            while bits != 0 {
                let signature = firsts[word << 6 | bits.trailingZeroBitCount]
                bits &= bits - 1
                if signature >= 0, held.holdsAll(signatures[signature]) { set.insert(signature) }
            }
        }
        return set
    }
}

/// The conditions that a request fulfils, one bit each.
private struct Held {
    let words: UnsafeMutablePointer<UInt64>

    @inline(__always)
    func mark(_ condition: Int) { words[condition >> 6] |= 1 << UInt64(condition & 63) }

    func holdsAll(_ conditions: Range<Int>) -> Bool {
        for condition in conditions where words[condition >> 6] & 1 << UInt64(condition & 63) == 0 { return false }
        return true
    }
}

extension SignatureMatcher.Plan {
    fileprivate func deallocate() {
        for trie in [equals, prefixes, suffixes, contained, dialled] { trie.deallocate() }
        skip.deallocate()
        ends.deallocate()
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

/// The conditions of a policy's signatures, laid out to be looked at for every request.
///
/// `Signature` says what is wanted, in types made for reading a policy. Here it is turned round: for each field, what is
/// wanted of it, so that a request's values are looked at once for each kind of mark, however many signatures there are.
/// Everything is plain values in memory that never changes: no reference is counted and nothing is allocated.
final class SignatureMatcher: @unchecked Sendable {  // Sendable: nothing changes between init and deinit
    private typealias Parts = UnsafeBufferPointer<Shape.Part>

    private let plans: UnsafeBufferPointer<Plan>
    private let searches: UnsafeBufferPointer<Search>
    private let quoted: UnsafeBufferPointer<Int>
    private let shaped: UnsafeBufferPointer<Int>
    private let dialled: UnsafeBufferPointer<Int>
    private let suffixed: UnsafeBufferPointer<Int>
    private let tables: Tables
    private let empty: UnsafeBufferPointer<Int>
    private let shapes: UnsafeBufferPointer<ShapeCheck>
    private let shapeConditions: UnsafeBufferPointer<Int>
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
        let layout = Layout(all)
        plans = .frozen(layout.plans)
        searches = .frozen(layout.searches)
        quoted = .frozen(layout.fields.quoted)
        shaped = .frozen(layout.fields.shapes)
        dialled = .frozen(layout.fields.dialled)
        suffixed = .frozen(layout.fields.suffixes)
        tables = layout.tables
        empty = .frozen(layout.empty)
        shapes = .frozen(layout.shapes)
        shapeConditions = .frozen(layout.shapeConditions)
        forms = .frozen(layout.forms)
        parts = .frozen(layout.parts)
        literals = .frozen(layout.literals)
        signatures = .frozen(layout.signatures)
        firsts = .frozen(layout.firsts)
        words = max(1, (layout.firsts.count + 63) / 64)
    }

    deinit {
        plans.deallocate()
        searches.deallocate()
        for list in [quoted, shaped, dialled, suffixed, empty] { list.deallocate() }
        tables.deallocate()
        shapes.deallocate()
        shapeConditions.deallocate()
        forms.deallocate()
        parts.deallocate()
        literals.deallocate()
        signatures.deallocate()
        firsts.deallocate()
        classes.deallocate()
    }

    /// How many signatures there are.
    var count: Int { signatures.count }

    /// Adds the signatures whose marks a request carries, of the first 512.
    ///
    /// - Parameter harmless: what this thread knows of values, by the texts that this matcher looks for.
    func find(in facts: borrowing RequestFacts, _ found: inout SignatureSet, knowing harmless: HarmlessValues? = nil) {
        facts.withTexts { texts in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { held in
                held.initialize(repeating: 0)
                let held = Held(words: held.baseAddress!)
                look(at: texts, held, harmless)
                add(signaturesHolding: held, &found)
            }
        }
    }

    /// Marks the conditions that the values fulfil: one thing that may be wanted after the other, each of the fields of which it is.
    /// Here stands what nearly every value comes through in few steps; what takes more is apart.
    private func look(at texts: Texts, _ held: Held, _ harmless: HarmlessValues?) {
        lookAtEnds(texts, held)
        for search in searches.each {
            let value = texts[search.pointee.field]
            if search.pointee.isRemembered, let harmless {
                if harmless.holds(value) { continue }
                if !self.search(value, search, held) { harmless.add(value) }
            } else if let candidate = search.pointee.skip.candidate(in: value) {
                self.search(value, from: candidate, search, held)
            }
        }
        for index in shaped.each { compareShapes(texts, plans.baseAddress! + index.pointee, held) }
        for index in dialled.each { lookAtNumber(texts, plans.baseAddress! + index.pointee, held) }
        for index in suffixed.each { lookAtEnd(texts, plans.baseAddress! + index.pointee, held) }
        var quotes = Quotes()
        for index in quoted.each { quotes.look(at: texts[index.pointee]) }
        // Hardly any request has one, so that is asked for all fields at once.
        if quotes.areSeen { lookBehindQuotes(texts, held) }
    }

    /// What a value's first byte leads to.
    @inline(__always)
    private func lookAtEnds(_ texts: Texts, _ held: Held) {
        for plan in plans.each {
            let value = texts[plan.pointee.field]
            guard let start = value.baseAddress else { continue }
            if value.count == 0 {
                lookAtNothing(plan, texts, held)
            } else {
                let ends = plan.pointee.ends[Int(start[0])]
                if !ends.isDisjoint(with: .beginnings) { follow(ends, value, plan, texts, held) }
            }
        }
    }

    @inline(never)
    private func follow(_ ends: Ends, _ value: Bytes, _ plan: UnsafePointer<Plan>, _ texts: Texts, _ held: Held) {
        if ends.contains(.equals), plan.pointee.lengths & 1 << UInt64(min(value.count, 63)) != 0 {
            plan.pointee.equals.whole(value, held.mark)
        }
        let place = plan.pointee.prefixPlace
        if ends.contains(.prefix), value.count > place, plan.pointee.ends[Int(value[place])].contains(.prefixPlace) {
            plan.pointee.prefixes.walk(value, held.mark)
        }
        if ends.contains(.form), value.count >= plan.pointee.leastForm {
            compareForms(value, plan.pointee.forms, texts, held)
        }
    }

    @inline(never)
    private func lookBehindQuotes(_ texts: Texts, _ held: Held) {
        for plan in plans where !plan.quoted.isEmpty && texts[plan.field].isKnown {
            compareForms(texts[plan.field], plan.quoted, texts, held)
        }
    }

    @inline(never)
    private func lookAtNothing(_ plan: UnsafePointer<Plan>, _ texts: Texts, _ held: Held) {
        for index in plan.pointee.empty { held.mark(empty[index]) }
        compareForms(.present, plan.pointee.forms, texts, held)
    }

    @inline(never)
    private func lookAtEnd(_ texts: Texts, _ plan: UnsafePointer<Plan>, _ held: Held) {
        let value = texts[plan.pointee.field]
        guard let last = value.last, plan.pointee.ends[Int(last)].contains(.suffix) else { return }
        plan.pointee.suffixes.walkBack(value, held.mark)
    }

    @discardableResult @inline(never)
    private func search(_ value: Bytes, from candidate: Int, _ search: UnsafePointer<Search>, _ held: Held) -> Bool {
        var (next, isFound) = (Optional(candidate), false)
        while let place = next {
            let end = search.pointee.texts.scan(value, from: place) {
                held.mark($0)
                isFound = true
            }
            next = search.pointee.skip.candidate(in: value, from: end)
        }
        return isFound
    }

    /// Whether any of the texts stands in the value.
    @inline(never)
    private func search(_ value: Bytes, _ search: UnsafePointer<Search>, _ held: Held) -> Bool {
        search.pointee.skip.candidate(in: value).map { self.search(value, from: $0, search, held) } ?? false
    }

    @inline(never)
    private func lookAtNumber(_ texts: Texts, _ plan: UnsafePointer<Plan>, _ held: Held) {
        guard let number = DialledNumber(texts[plan.pointee.field])?.international(dialling) else { return }
        plan.pointee.dialled.walk(number, held.mark)
    }

    @inline(__always)
    private func compareShapes(_ texts: Texts, _ plan: UnsafePointer<Plan>, _ held: Held) {
        let value = texts[plan.pointee.field]
        guard let start = value.baseAddress else { return }
        // A shorter value is compared without a look at its head.
        let isLong = value.count >= 8
        let first = isLong ? UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self)) : 0
        for index in plan.pointee.shapes {
            let check = shapes.baseAddress! + index
            guard check.pointee.lengths.contains(value.count) else { continue }
            if !isLong || check.pointee.head.mayBegin(first, classes) { compare(value, check, held) }
        }
    }

    @inline(never)
    private func compare(_ value: Bytes, _ check: UnsafePointer<ShapeCheck>, _ held: Held) {
        guard Shape.matches(value, Parts(rebasing: parts[check.pointee.parts]), literals: literals) else { return }
        for index in check.pointee.conditions { held.mark(shapeConditions[index]) }
    }

    @inline(never)
    private func compareForms(_ value: Bytes, _ checks: Range<Int>, _ texts: Texts, _ held: Held) {
        for index in checks where forms[index].form.matches(value, in: texts) { held.mark(forms[index].condition) }
    }

    /// Those of which all conditions hold.
    private func add(signaturesHolding held: Held, _ found: inout SignatureSet) {
        for word in 0..<words {
            var bits = held.words[word]
            while bits != 0 {
                let signature = firsts[word << 6 | bits.trailingZeroBitCount]
                bits &= bits - 1
                if signature >= 0, held.holdsAll(signatures[signature]) { found.insert(signature) }
            }
        }
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

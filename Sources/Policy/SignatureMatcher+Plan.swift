/// What is wanted of the values, as it lies in memory.
extension SignatureMatcher {
    /// What is wanted of one field. What every value is looked at with comes first.
    struct Plan {
        let field: Int
        /// For each byte the `Ends` for which it is a text's first one, with suffixes the last.
        let ends: UnsafePointer<Ends>
        /// The lengths of the texts to equal, one bit each; the last bit for that and more.
        let lengths: UInt64
        /// The last place that all prefixes have.
        let prefixPlace: Int
        /// Forms that a value without a quote cannot have, and the others, with the length of the shortest value of those.
        let quoted: Range<Int>
        let forms: Range<Int>
        let leastForm: Int
        let shapes: Range<Int>
        let equals: TextTrie
        let prefixes: TextTrie
        let suffixes: TextTrie
        /// Country codes of the number that is dialled.
        let dialled: TextTrie
        /// The conditions that want the empty value.
        let empty: Range<Int>
    }

    /// Texts that are looked for anywhere in a field.
    struct Search {
        let field: Int
        /// Whether a thread remembers in which values none of them stands.
        var isRemembered = false
        let skip: TextSkip
        let texts: TextTrie
    }

    /// The fields of which something is wanted that few are looked at for.
    struct Fields {
        var quoted: [Int] = []
        /// These by the number of their plan.
        var shapes: [Int] = []
        var dialled: [Int] = []
        var suffixes: [Int] = []
    }

    /// The tries that a value's first or last byte leads into, and whether a value of some form begins with it.
    struct Ends: OptionSet {
        let rawValue: UInt8
        static let equals = Ends(rawValue: 1)
        static let prefix = Ends(rawValue: 2)
        static let suffix = Ends(rawValue: 4)
        static let form = Ends(rawValue: 8)
        /// What a value's first byte alone can lead to.
        static let beginnings: Ends = [.equals, .prefix, .form]
        /// Whether a prefix has the byte at the last place that all of them have.
        static let prefixPlace = Ends(rawValue: 16)
    }

    /// One shape, whose head most values do not have, and the conditions that want it.
    struct ShapeCheck {
        let head: ShapeHead
        /// What a value's length must be.
        let lengths: ClosedRange<Int>
        let parts: Range<Int>
        let conditions: Range<Int>
    }

    struct FormCheck {
        let condition: Int
        let form: Form
    }

    /// The memory behind the plans; fields of which the same is wanted share it.
    struct Tables {
        var tries: [TextTrie] = []
        var skips: [TextSkip] = []
        var ends: [UnsafePointer<Ends>] = []

        func deallocate() {
            for trie in tries { trie.deallocate() }
            for skip in skips { skip.deallocate() }
            for end in ends { end.deallocate() }
        }
    }
}

extension UnsafeBufferPointer {
    /// The places of all elements, one after the other: looking at one copies nothing.
    @inline(__always)
    var each: Places<Element> { Places(place: baseAddress, left: count) }
}

struct Places<Element>: Sequence, IteratorProtocol {
    var place: UnsafePointer<Element>?
    var left: Int

    @inline(__always)
    mutating func next() -> UnsafePointer<Element>? {
        guard left > 0, let here = place else { return nil }
        (place, left) = (here + 1, left &- 1)
        return here
    }
}

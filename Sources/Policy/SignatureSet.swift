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

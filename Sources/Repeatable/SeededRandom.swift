/// Random numbers that are the same in every run: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, OOPSLA 2014).
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// One of several that have nothing in common but the seed.
    public init(seed: UInt64, _ first: Int, _ second: Int) {
        self.init(seed: seed)
        state ^= next() &+ UInt64(truncatingIfNeeded: first) &* 0x9E37_79B9
        state ^= next() &+ UInt64(truncatingIfNeeded: second) &* 0x85EB_CA6B
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Characters of an alphabet.
    public mutating func text(_ alphabet: [UInt8], _ count: Int) -> [UInt8] {
        (0..<count).map { _ in alphabet[Int(next() % UInt64(alphabet.count))] }
    }

    /// A number of so many bits.
    public mutating func next(_ bits: Int) -> UInt32 { UInt32(truncatingIfNeeded: next() >> UInt64(64 - bits)) }
}

/// Ascending numbers of 128 bits, searched in nodes of sixteen.
///
/// The lowest level is all of them; each above it is every sixteenth of the one below. A step looks at one number of each
/// quarter of a node and then at one quarter, a cache line, so of 100,000 numbers five nodes are seen, where halving would wait
/// for memory up to seventeen times. No step is a branch that an attacker's addresses could make the processor guess wrongly.
struct SearchTree {
    private static let node = 16

    /// All levels, the highest first, each filled up to whole nodes.
    private let numbers: FlatMemory<UInt128>
    /// Where each level begins.
    private let levels: FlatMemory<Int>
    let count: Int

    init(_ ascending: [UInt128]) {
        var heights = [ascending]
        while let top = heights.last, top.count > Self.node {
            heights.append(stride(from: 0, to: top.count, by: Self.node).map { top[$0] })
        }
        var (numbers, levels): ([UInt128], [Int]) = ([], [])
        for level in heights.reversed() {
            levels.append(numbers.count)
            numbers += level
            numbers += repeatElement(.max, count: (Self.node - level.count % Self.node) % Self.node)
        }
        (self.numbers, self.levels, count) = (FlatMemory(numbers), FlatMemory(levels), ascending.count)
    }

    /// The number at that place.
    subscript(place: Int) -> UInt128 { numbers[levels[levels.count - 1] &+ place] }

    /// The place of the last that is not beyond `number`; the first one must not be.
    func place(of number: UInt128) -> Int {
        // It would find itself in what only fills up the nodes.
        guard number < .max else { return count - 1 }
        var place = 0
        for level in 0..<levels.count {
            let node = numbers.elements + levels[level] + place &* Self.node
            // Sums and no conditional additions: the compiler makes branches of those.
            let quarter = 4 &* (one(node[4] <= number) &+ one(node[8] <= number) &+ one(node[12] <= number))
            let rest = node + quarter
            let within = one(rest[1] <= number) &+ one(rest[2] <= number) &+ one(rest[3] <= number)
            place = place &* Self.node &+ quarter &+ within
        }
        return place
    }
}

@inline(__always)
private func one(_ holds: Bool) -> Int { holds ? 1 : 0 }

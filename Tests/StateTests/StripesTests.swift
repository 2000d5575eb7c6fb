import Testing

@testable import State

@Suite("the locked parts of a table") struct StripesTests {
    @Test(
        "a count between two powers of two becomes the lower one, and there is always one",
        arguments: [
            (0, 1), (1, 1), (3, 2), (100, 64), (256, 256),
        ]) func count(asked: Int, made: Int)
    {
        let stripes = Stripes(asked) { 0 }
        var visited = 0
        stripes.visit { _ in visited += 1 }
        #expect(stripes.count == made && visited == made)
    }

    @Test("each part has values of its own, and a number beyond the last begins anew") func parts() {
        let stripes = Stripes(4) { [0] }
        for number in 0..<6 { stripes.withPart(at: number) { $0.append(number) } }
        var all: [[Int]] = []
        stripes.visit { all.append($0) }
        #expect(all == [[0, 0, 4], [0, 1, 5], [0, 2], [0, 3]])
    }

    @Test("values larger than a cache line do not touch the next part") func large() {
        let stripes = Stripes(2) { InlineArray<33, UInt64>(repeating: 7) }
        stripes.withPart(at: 0) { for index in 0..<33 { $0[index] = 1 } }
        stripes.withPart(at: 1) { part in for index in 0..<33 { #expect(part[index] == 7) } }
    }

    @Test("nothing is lost where many threads want one part") func exclusive() async {
        let shared = Shared()
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<50_000 { shared.stripes.withPart(of: 1 << 32) { $0 += 1 } } }
            }
        }
        #expect(shared.stripes.withPart(at: 1) { $0 } == 400_000)
        #expect(shared.stripes.withPart(at: 0) { $0 } == 0)
    }

    private final class Shared: Sendable { let stripes = Stripes(2) { 0 } }

    @Test("the parts end with the table") func end() {
        weak var part: Value?
        do {
            let stripes = Stripes(2) { Value() }
            stripes.withPart(at: 1) { part = $0 }
            #expect(part != nil)
        }
        #expect(part == nil)
    }

    private final class Value: Sendable {}
}

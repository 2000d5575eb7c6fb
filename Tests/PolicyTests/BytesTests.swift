import Testing

@testable import Policy

/// Several bytes are looked at in one step: each length and each place must give what a look at one byte after the other gives.
@Suite struct BytesTests {
    /// Dots in memory of exactly that size, so that the sanitizers find a look behind them.
    private func withDots(_ count: Int, _ body: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
        let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count)
        memory.initialize(repeating: 0x2E)
        body(memory)
        memory.deallocate()
    }

    @Test(arguments: 1...67) func findsAByteAtEveryPlace(count: Int) {
        withDots(count) { memory in
            let text = Bytes(memory)
            #expect(text.index(of: 0x3A) == nil && text.lastIndex(of: 0x3A) == nil)
            for place in 0..<count {
                memory[place] = 0x3A
                let found = (0...count).map { text.index(of: 0x3A, from: $0) }
                #expect(found == (0...count).map { $0 <= place ? place : nil })
                memory[place] = 0x2E
            }
        }
    }

    @Test(arguments: [1, 7, 8, 15, 16, 17, 33, 47]) func findsTheFirstAndTheLastOfTwo(count: Int) {
        withDots(count) { memory in
            let text = Bytes(memory)
            for (first, last) in (0..<count).flatMap({ first in (first..<count).map { (first, $0) } }) {
                (memory[first], memory[last]) = (0x40, 0x40)
                #expect(text.index(of: 0x40) == first && text.lastIndex(of: 0x40) == last)
                // Bytes that differ by one, where a borrow could mislead.
                #expect(text.index(of: 0x41) == nil && text.index(of: 0x3F) == nil)
                (memory[first], memory[last]) = (0x2E, 0x2E)
            }
        }
    }

    @Test(arguments: [1, 3, 4, 5, 7, 8, 9, 15, 16, 20]) func comparesWithoutCaseAtEveryPlace(count: Int) {
        withDots(count) { memory in
            let text = Bytes(memory)
            for place in 0..<count {
                let wrong = (0...255).map { UInt8($0) }.filter { byte in
                    memory[place] = byte
                    var other = Array(memory)
                    other[place] = byte.lowercased
                    let isSame = other.withUnsafeBufferPointer { other in
                        text.hasPrefix(lowercase: other) && text.hasSuffix(lowercase: other)
                            && text.sameBytes(as: other) == (byte == byte.lowercased)
                    }
                    other[place] ^= 0x20
                    // A prefix is in lower case.
                    guard other[place] == other[place].lowercased else { return !isSame }
                    return !isSame || other.withUnsafeBufferPointer { text.hasPrefix(lowercase: $0) }
                }
                #expect(wrong == [])
                memory[place] = 0x2E
            }
        }
    }

    @Test(arguments: [
        ("call-id", true), ("CALL-ID", true), ("call\rid", false), ("call-i", false), ("call-idx", false), ("", false),
    ])
    func comparesWholeNames(text: String, same: Bool) {
        var text = text
        #expect(text.withUTF8 { $0.equals(lowercase: "call-id") } == same)
    }
}

import Testing

@testable import State

@Suite struct TableMemoryTests {
    @Test func piecesBeginAtCacheLinesAndDoNotOverlap() {
        let sizes = [1, 3, 64, 1000]
        let bytes = sizes.map { TableMemory.size($0, of: UInt32.self) }.reduce(0, +)
        let memory = TableMemory(bytes: bytes)
        let pieces = sizes.map { memory.take($0, of: UInt32.self) }
        for (number, piece) in pieces.enumerated() {
            #expect(UInt(bitPattern: piece) % 64 == 0)
            piece.initialize(repeating: UInt32(number), count: sizes[number])
        }
        for (number, piece) in pieces.enumerated() {
            #expect((0..<sizes[number]).allSatisfy { piece[$0] == UInt32(number) })
        }
    }
}

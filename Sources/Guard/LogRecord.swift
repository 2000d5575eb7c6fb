import Policy

/// A decision or a report on its way to the decision log: its facts as they came, side by side in one piece of memory.
///
/// The thread that decides only copies; the one that writes the file makes the line of it. In memory there is the head, then
/// the lengths of the texts, then the texts, then what the writer cannot know by itself as the rest of the line. Passwords are
/// still in it: they are taken out of the line.
struct LogRecord {
    /// What is not text.
    struct Head {
        var source: IPAddress
        var cseq: Int?
        var maxForwards: Int?
        var count: Int
        var transport: Transport?
        var nonceIsValid: Bool
        var kind: Kind
    }

    enum Kind {
        /// A decision whose result follows the texts.
        case decision
        /// The decision of most requests: to pass, by no rule and with nothing more to say.
        case plainPass(id: UInt64)
        case report(Outcome)
    }

    /// Bytes of one fact that are kept; longer ones are cut.
    static let mostBytesOfFact = 1024
    /// The length of a text that is not known.
    private static let unknown = UInt16.max
    private static let fields = Field.allCases.count
    private static let textsBegin = MemoryLayout<Head>.size + 2 * fields

    let head: Head
    private let bytes: UnsafeRawBufferPointer

    /// - Parameter bytes: a record as `write` began it, with the rest of the line behind.
    init(_ bytes: UnsafeRawBufferPointer) {
        head = bytes.loadUnaligned(as: Head.self)
        self.bytes = bytes
    }

    /// How many bytes `write` writes.
    @inline(__always)
    static func size(_ facts: RequestFacts, rest: Int) -> Int {
        facts.withTexts { texts in
            var size = textsBegin &+ rest
            for field in 0..<fields { size &+= min(texts[field].count, mostBytesOfFact) }
            return size
        }
    }

    /// - Parameter rest: of the line.
    @inline(__always)
    static func write(
        _ facts: RequestFacts, _ kind: Kind, rest: UnsafeRawBufferPointer, to memory: UnsafeMutableRawPointer
    ) {
        let head = Head(
            source: facts.source, cseq: facts.cseq, maxForwards: facts.maxForwards, count: facts.count,
            transport: facts.transport, nonceIsValid: facts.nonceIsValid, kind: kind)
        memory.storeBytes(of: head, as: Head.self)
        var end = textsBegin
        facts.withTexts { texts in
            for field in 0..<fields {
                var length = unknown
                if let text = texts[field].baseAddress {
                    let count = min(texts[field].count, mostBytesOfFact)
                    (memory + end).copyMemory(from: text, byteCount: count)
                    length = UInt16(truncatingIfNeeded: count)
                    end &+= count
                }
                memory.storeBytes(of: length, toByteOffset: MemoryLayout<Head>.size + 2 * field, as: UInt16.self)
            }
        }
        if let start = rest.baseAddress { (memory + end).copyMemory(from: start, byteCount: rest.count) }
    }

    /// Calls `body` with each text that is known and its field's raw value; the rest of the line.
    @inline(__always)
    func forEachText(_ body: (Int, Bytes) -> Void) -> UnsafeRawBufferPointer {
        let start = bytes.baseAddress!
        let lengths = start + MemoryLayout<Head>.size
        var end = Self.textsBegin
        for field in 0..<Self.fields {
            let length = lengths.loadUnaligned(fromByteOffset: 2 * field, as: UInt16.self)
            guard length != Self.unknown else { continue }
            body(field, Bytes(start: (start + end).assumingMemoryBound(to: UInt8.self), count: Int(length)))
            end &+= Int(length)
        }
        return UnsafeRawBufferPointer(start: start + end, count: bytes.count &- end)
    }
}

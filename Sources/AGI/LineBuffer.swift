#if !ONE_MODULE
    import Policy
#endif

/// Bytes in, lines out; holds no more than one line of the longest kind that is allowed.
struct LineBuffer {
    private var bytes: [UInt8] = []
    private var start = 0
    private var scanned = 0
    private let longest: Int

    init(longest: Int) { self.longest = longest }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        if start > 0 {
            bytes.removeFirst(start)
            (start, scanned) = (0, scanned - start)
        }
        bytes.append(contentsOf: more)
    }

    /// What is next, a line without its line feed, if it is complete.
    enum Next: Equatable {
        case line(Range<Int>)
        case incomplete
        case tooLong
    }

    mutating func next() -> Next {
        scanned = bytes.withUnsafeBufferPointer { $0.index(of: 0x0A, from: scanned) ?? $0.count }
        guard scanned - start <= longest else { return .tooLong }
        guard scanned < bytes.count else { return .incomplete }
        defer { (start, scanned) = (scanned + 1, scanned + 1) }
        return .line(start..<scanned)
    }

    /// A line's bytes, while nothing is appended.
    func withBytes<Result>(_ range: Range<Int>, _ body: (Bytes) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { body($0.part(range.lowerBound, range.upperBound)) }
    }
}

public import JSON

extension Framing {
    /// Makes a frame around the message that stands behind `start`, if there is one.
    public func close(messageAt start: Int, in writer: inout JSONWriter) {
        guard writer.count > start else { return }
        switch self {
        case .newline:
            writer.raw(UInt8(ascii: "\n"))
        case .netstring:
            insertLength(writer.count - start, at: start, in: &writer)
            writer.raw(UInt8(ascii: ","))
        }
    }

    private func insertLength(_ length: Int, at start: Int, in writer: inout JSONWriter) {
        withUnsafeTemporaryAllocation(byteCount: 21, alignment: 1) { prefix in
            var rest = length
            var first = prefix.count - 1
            prefix[first] = UInt8(ascii: ":")
            repeat {
                first -= 1
                prefix[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            writer.insert(UnsafeRawBufferPointer(rebasing: prefix[first...]), at: start)
        }
    }
}

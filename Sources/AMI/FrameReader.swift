import Glibc

/// Cuts what Asterisk's manager interface sends into frames: lines that end with CR LF, up to an empty one.
///
/// A value: bytes in, frames out, no matter how the bytes were divided among reads. What is longer than the limits is skipped
/// up to its end.
public struct FrameReader {
    /// Bytes of a frame. A security event has about 300, of which a SIP request may fill some 2000.
    public static let frameLimit = 16 * 1024

    public enum Step: Equatable {
        case needMore
        case frame(Frame)
        /// One that was too long.
        case oversized
    }

    private var buffer: [UInt8] = []
    /// Where the frame at hand begins.
    private var start = 0
    /// Up to where there is no end of a frame.
    private var searched = 0
    private var isSkipping = false

    public init() {}

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start > 0, start == buffer.count || start > 1 << 16 {
            buffer.removeFirst(start)
            (searched, start) = (searched - start, 0)
        }
        buffer.append(contentsOf: bytes)
    }

    /// The first line of a connection, which is no part of a frame: nil while it is not complete.
    public mutating func greeting() -> [UInt8]? {
        guard let end = lineEnd(from: start) else { return nil }
        defer { (start, searched) = (end + 2, end + 2) }
        return Array(buffer[start..<end])
    }

    /// Bytes that no step has taken yet.
    public var pending: Int { buffer.count - start }

    public mutating func next() -> Step {
        skipEmptyLines()
        while let end = lineEnd(from: searched) {
            searched = end + 2
            guard end + 3 < buffer.count else {
                // The empty line that may follow has not come yet: this line is looked at again.
                searched = end
                return longSoFar()
            }
            guard buffer[end + 2] == 0x0D, buffer[end + 3] == 0x0A else { continue }
            defer { (start, searched, isSkipping) = (end + 4, end + 4, false) }
            if isSkipping || end - start > Self.frameLimit { return .oversized }
            return .frame(Frame(bytes: Array(buffer[start..<end])))
        }
        return longSoFar()
    }

    /// Lets go of what is too long to become a frame.
    private mutating func longSoFar() -> Step {
        // The last bytes may be the first of the end.
        searched = max(searched, start, buffer.count - 3)
        if isSkipping || buffer.count - start > Self.frameLimit { (isSkipping, start) = (true, searched) }
        return .needMore
    }

    private mutating func skipEmptyLines() {
        guard !isSkipping else { return }
        while start + 1 < buffer.count, buffer[start] == 0x0D, buffer[start + 1] == 0x0A {
            start += 2
            searched = max(searched, start)
        }
    }

    /// Index of the next CR LF.
    private func lineEnd(from index: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            var index = index
            while index < bytes.count, let found = memchr(bytes.baseAddress! + index, 0x0A, bytes.count - index) {
                let place = UnsafeRawPointer(found) - bytes.baseAddress!
                if place > start, bytes[place - 1] == 0x0D { return place - 1 }
                index = place + 1
            }
            return nil
        }
    }
}

/// One frame, without its end.
public struct Frame: Equatable, Sendable {
    /// Bytes of a line; a Call-ID is the longest thing that somebody else chooses.
    public static let lineLimit = 4096

    public let bytes: [UInt8]

    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// The lines as pairs; nil if one of them is no `Key: value`, holds a control character, is too long, or if a key
    /// stands twice.
    var fields: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)]? {
        var fields: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []
        var start = 0
        while start < bytes.count {
            let end = endOfLine(from: start)
            guard let colon = bytes[start..<end].firstIndex(of: 0x3A), colon + 1 < end, bytes[colon + 1] == 0x20,
                end - start <= Self.lineLimit, fields.count < 64,
                bytes[start..<end].allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else { return nil }
            let key = bytes[start..<colon]
            guard !fields.contains(where: { $0.key.elementsEqual(key) }) else { return nil }
            fields.append((key, bytes[colon + 2..<end]))
            start = end + 2
        }
        return fields
    }

    private func endOfLine(from start: Int) -> Int {
        var index = start
        while index + 1 < bytes.count, !(bytes[index] == 0x0D && bytes[index + 1] == 0x0A) { index += 1 }
        return index + 1 < bytes.count ? index : bytes.count
    }
}

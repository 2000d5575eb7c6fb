import Glibc
import JSON

/// How messages are told apart on a connection.
public enum Framing: Sendable, Equatable {
    /// One message a line.
    case newline
    /// `<length>:<bytes>,` (https://cr.yp.to/proto/netstrings.txt).
    case netstring

    /// The framing that the first byte of a connection stands for.
    init?(firstByte: UInt8) {
        switch firstByte {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"),
            UInt8(ascii: "\n"):
            self = .newline
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            self = .netstring
        default: return nil
        }
    }
}

/// Finds the messages in the bytes of a connection; a value without memory of its own, a socket or a clock.
///
/// The owner keeps the bytes: it appends what it receives, calls `next` until that says `needMore`, and then drops as
/// many bytes from the front as `reclaim` tells.
public struct FrameDecoder: Sendable {
    /// What to do next.
    public enum Step: Equatable, Sendable {
        /// Serve the message at these offsets.
        case message(Range<Int>)
        /// Answer with an error.
        case refuse(FrameError)
        /// Receive more.
        case needMore
    }

    private let limit: Int
    public private(set) var framing: Framing?
    /// Where the next message begins.
    private var position = 0
    /// Up to where a line feed has been looked for in vain.
    private var searched = 0
    /// Within a line that was too long.
    private var isSkipping = false
    /// Nothing that still comes can be told apart.
    private var isLost = false

    /// - Parameter limit: bytes in one message, at most.
    public init(limit: Int, framing: Framing? = nil) {
        self.limit = limit
        self.framing = framing
    }

    /// The bytes that a connection may hold: the largest message with its frame.
    public static func bufferLimit(forMessagesOf limit: Int) -> Int { limit + 32 }

    /// Takes the next step in `bytes`, which begin where they began at the last call.
    public mutating func next(in bytes: UnsafeRawBufferPointer) -> Step {
        if isLost { position = bytes.count }
        guard position < bytes.count else { return .needMore }
        if framing == nil { framing = Framing(firstByte: bytes[position]) }
        switch framing {
        case .newline: return nextLine(in: bytes)
        case .netstring: return nextNetstring(in: bytes)
        case nil: return lose(.unknownFraming)
        }
    }

    /// How many bytes from the front are done with; offsets count from behind them afterwards.
    public mutating func reclaim() -> Int {
        let done = position
        searched = max(searched - done, 0)
        position = 0
        return done
    }

    private mutating func lose(_ error: FrameError) -> Step {
        isLost = true
        return .refuse(error)
    }
}

extension FrameDecoder {
    private mutating func nextLine(in bytes: UnsafeRawBufferPointer) -> Step {
        while let end = lineFeed(in: bytes) {
            let line = trimmed(position..<end, of: bytes)
            position = end + 1
            searched = position
            if isSkipping {
                isSkipping = false
            } else if line.count > limit {
                return .refuse(.lineTooLong)
            } else if !line.isEmpty {
                return .message(line)
            }
        }
        return unfinishedLine(in: bytes)
    }

    private mutating func unfinishedLine(in bytes: UnsafeRawBufferPointer) -> Step {
        searched = bytes.count
        let line = trimmed(position..<bytes.count, of: bytes)
        // White space at the end is not counted, but it must not fill more than the connection may hold either.
        let isFull = bytes.count - position >= Self.bufferLimit(forMessagesOf: limit)
        if isFull, line.isEmpty { position = bytes.count }
        let isTooLong = !isSkipping && (line.count > limit || isFull && !line.isEmpty)
        isSkipping = isSkipping || isTooLong
        if isSkipping { position = bytes.count }
        return isTooLong ? .refuse(.lineTooLong) : .needMore
    }

    private func lineFeed(in bytes: UnsafeRawBufferPointer) -> Int? {
        let start = max(position, searched)
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, Int32(UInt8(ascii: "\n")), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// Without white space at the end: the CR of a CRLF, or all of a line that says nothing.
    private func trimmed(_ line: Range<Int>, of bytes: UnsafeRawBufferPointer) -> Range<Int> {
        var end = line.upperBound
        while end > line.lowerBound, isBlank(bytes[end - 1]) { end -= 1 }
        return line.lowerBound..<end
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\r") || byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}

extension FrameDecoder {
    private mutating func nextNetstring(in bytes: UnsafeRawBufferPointer) -> Step {
        var length = 0
        var index = position
        while index < bytes.count, bytes[index] != UInt8(ascii: ":") {
            let digit = bytes[index] &- UInt8(ascii: "0")
            let isAfterZero = index > position && length == 0
            guard digit <= 9, !isAfterZero else { return lose(.badNetstring) }
            length = length * 10 + Int(digit)
            guard length <= limit else { return lose(.netstringTooLong) }
            index += 1
        }
        guard index < bytes.count else { return .needMore }
        guard index > position else { return lose(.badNetstring) }
        let message = (index + 1)..<(index + 1 + length)
        guard message.upperBound < bytes.count else { return .needMore }
        guard bytes[message.upperBound] == UInt8(ascii: ",") else { return lose(.badNetstring) }
        position = message.upperBound + 1
        return .message(message)
    }
}

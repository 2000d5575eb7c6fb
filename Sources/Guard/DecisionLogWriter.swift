import JSON
import Policy

/// Writes the decision log's lines into its file; for one thread, which may wait for the disk.
public final class DecisionLogWriter {
    /// Bytes that are given to the file at once, at least; a file holds several.
    private let piece: Int
    private let log: DecisionLog
    private let file: RotatingFile
    private var buffers = (0..<DecisionLog.stripeCount).map { _ in LogBuffer(bytes: DecisionLog.stripeBytes) }
    // One thread uses them; checks at each access would be more than the rest of a line's cost.
    @exclusivity(unchecked) private var text: JSONWriter
    @exclusivity(unchecked) private var stamp = TimeStamp()
    @exclusivity(unchecked) private var pending = 0
    private var problem: String?

    public init(_ log: DecisionLog) {
        self.log = log
        piece = min(128 << 10, log.settings.size / 4)
        text = JSONWriter(capacity: piece + 16 << 10)
        file = RotatingFile(path: log.settings.path, size: log.settings.size, files: log.settings.files)
    }

    /// Writes what has come since the last time, in the order of time; what changed about being able to.
    public func write() -> GuardEvent? {
        // Calendar time is that of this moment less what has gone by since: the decisions' clock has no calendar.
        let offset = Clock.wallMicroseconds - Clock.now.microseconds
        log.beginTurn()
        for stripe in buffers.indices { buffers[stripe] = log.take(stripe: stripe, leaving: buffers[stripe]) }
        var stripes = buffers.map(\.lines).filter { $0.time < .max }
        guard !stripes.isEmpty else { return nil }
        let before = problem
        file.closeIfMoved()
        while let next = Self.earliest(stripes) {
            stamp.write(stripes[next].time + offset, into: &text)
            text.raw(stripes[next].next())
            pending += 1
            if text.count >= piece { flush() }
        }
        flush()
        if before == nil, let problem { return .decisionLogFailing("\(log.settings.path): \(problem)") }
        return before != nil && problem == nil ? .decisionLogWorking : nil
    }

    /// The stripe whose next line is the oldest; each has its own in their order, but for threads that share one, by what passes
    /// between a look at the clock and the queue.
    private static func earliest(_ stripes: [LogBuffer.Lines]) -> Int? {
        var (found, time): (Int?, Int64) = (nil, .max)
        for index in stripes.indices where stripes[index].time < time { (found, time) = (index, stripes[index].time) }
        return found
    }

    private func flush() {
        guard pending > 0 else { return }
        problem = file.append(text.bytes)
        if problem != nil { log.countLost(pending) }
        text.removeAll(keepingCapacityUpTo: 2 * piece)
        pending = 0
    }
}

/// How a line begins, `{"time":"2026-01-31T12:00:00.123456Z",`; most of it stays the same for a second.
private struct TimeStamp {
    private var second = Int64.min
    private var beginning = ShortText("")

    /// - Parameter time: microseconds since 1970.
    mutating func write(_ time: Int64, into text: inout JSONWriter) {
        let (second, fraction) = time.quotientAndRemainder(dividingBy: 1_000_000)
        if second != self.second {
            self.second = second
            beginning = ShortText(#"{"time":"\#(Clock.text(ofWallSeconds: second).dropLast())."#)
        }
        text.raw(beginning)
        text.raw(atMost: 6) { digits in
            var rest = fraction
            for place in (0..<6).reversed() {
                digits[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return 6
        }
        text.raw(#"Z","#)
    }
}

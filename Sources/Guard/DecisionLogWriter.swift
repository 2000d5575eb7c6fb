import JSON
import Policy

/// Makes lines of the decision log's records and writes them into its file; for one thread, which may wait for the disk.
public final class DecisionLogWriter {
    /// Bytes that are given to the file at once, at least; a file holds several such chunks.
    private let chunk: Int
    private let log: DecisionLog
    private let file: RotatingFile
    private var buffers = (0..<DecisionLog.stripeCount).map { _ in LogBuffer(bytes: DecisionLog.stripeBytes) }
    // One thread uses them; checks at each access would be more than the rest of a line's cost.
    @exclusivity(unchecked) private var text: JSONWriter
    @exclusivity(unchecked) private var lines = DecisionLineWriter()
    @exclusivity(unchecked) private var pending = 0
    private var problem: String?

    public init(_ log: DecisionLog) {
        self.log = log
        chunk = min(128 << 10, log.settings.size / 4)
        text = JSONWriter(capacity: chunk + 16 << 10)
        file = RotatingFile(path: log.settings.path, size: log.settings.size, files: log.settings.files)
    }

    /// Writes what has come since the last time, in the order of time; what changed about being able to.
    public func write() -> GuardEvent? {
        // Calendar time is that of this moment less what has gone by since: the decisions' clock has no calendar.
        let offset = Clock.wallMicroseconds - Clock.now.microseconds
        log.beginTurn()
        for stripe in buffers.indices { buffers[stripe] = log.take(stripe: stripe, leaving: buffers[stripe]) }
        var stripes = buffers.map(\.records).filter { $0.time < .max }
        guard !stripes.isEmpty else { return nil }
        let before = problem
        file.closeIfMoved()
        while let next = Self.earliest(stripes) {
            let time = stripes[next].time + offset
            lines.write(LogRecord(stripes[next].next()), at: time, into: &text)
            pending += 1
            if text.count >= chunk { flush() }
        }
        flush()
        if before == nil, let problem { return .decisionLogFailing("\(log.settings.path): \(problem)") }
        return before != nil && problem == nil ? .decisionLogWorking : nil
    }

    /// The stripe whose next line is the oldest; each has its own in their order, but for threads that share one, by what passes
    /// between a look at the clock and the queue.
    private static func earliest(_ stripes: [LogBuffer.Records]) -> Int? {
        var (found, time): (Int?, Int64) = (nil, .max)
        for index in stripes.indices where stripes[index].time < time { (found, time) = (index, stripes[index].time) }
        return found
    }

    private func flush() {
        guard pending > 0 else { return }
        problem = file.append(text.bytes)
        if problem != nil { log.countLost(pending) }
        text.removeAll(keepingCapacityUpTo: 2 * chunk)
        pending = 0
    }
}

import Glibc
import JSON
import Policy

/// Writes the decision log's lines into its file; for one thread, which may wait for the disk.
public final class DecisionLogWriter {
    /// Bytes that are given to the file at once.
    private static let piece = 32 << 10

    private let log: DecisionLog
    private let file: RotatingFile
    private var buffers = (0..<DecisionLog.stripeCount).map { _ in LogBuffer(bytes: DecisionLog.stripeBytes) }
    private var text = JSONWriter(capacity: 2 * piece)
    private var pending = 0
    private var problem: String?

    public init(_ log: DecisionLog) {
        self.log = log
        file = RotatingFile(path: log.settings.path, size: log.settings.size, files: log.settings.files)
    }

    /// Writes what has come since the last time, in the order of time; what changed about being able to.
    public func write() -> GuardEvent? {
        // Calendar time is that of this moment less what has gone by since: the decisions' clock has no calendar.
        let offset = Clock.wallMicroseconds - Clock.now.microseconds
        for stripe in buffers.indices { buffers[stripe] = log.take(stripe: stripe, leaving: buffers[stripe]) }
        let lines = buffers.flatMap(\.lines).sorted { $0.at < $1.at }
        guard !lines.isEmpty else { return nil }
        let before = problem
        for line in lines {
            text.raw(#"{"time":""#)
            for byte in Clock.preciseText(ofWallMicroseconds: line.at.microseconds + offset).utf8 { text.raw(byte) }
            text.raw(#"","#)
            text.raw(line.text)
            pending += 1
            if text.count >= Self.piece { flush() }
        }
        flush()
        if before == nil, let problem { return .decisionLogFailing("\(log.settings.path): \(problem)") }
        return before != nil && problem == nil ? .decisionLogWorking : nil
    }

    private func flush() {
        guard pending > 0 else { return }
        problem = file.append(text.bytes)
        if problem != nil { log.countLost(pending) }
        text.removeAll(keepingCapacityUpTo: 2 * Self.piece)
        pending = 0
    }
}

/// A file that begins anew at a certain size, with its predecessors beside it as `path.1`, `path.2` and so on.
final class RotatingFile {
    private let path: String
    private let limit: Int
    private let files: Int
    private var descriptor: Int32 = -1
    private var size = 0

    init(path: String, size: Int, files: Int) { (self.path, limit, self.files) = (path, size, files) }

    deinit { close() }

    /// Appends whole lines; what is wrong if it cannot. Then the file ends where it did before, with a whole line.
    func append(_ bytes: UnsafeRawBufferPointer) -> String? {
        if descriptor >= 0, !isInPlace { close() }
        if let failure = openIfNeeded() { return failure }
        if size > 0, size + bytes.count > limit, let failure = rotate() { return failure }
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return giveUp() }
            done += count
        }
        size += done
        return nil
    }

    private func openIfNeeded() -> String? {
        guard descriptor < 0 else { return nil }
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return giveUp() }
        size = Int(status.st_size)
        return nil
    }

    /// Whether the path still names this file: somebody may have moved it away or removed it.
    private var isInPlace: Bool {
        var (here, there) = (stat(), stat())
        return fstat(descriptor, &here) == 0 && lstat(path, &there) == 0 && here.st_ino == there.st_ino
            && here.st_dev == there.st_dev
    }

    private func rotate() -> String? {
        close()
        // From the oldest on, which goes; one file alone has no predecessor.
        for number in stride(from: files - 1, to: 0, by: -1) {
            rename(number == 1 ? path : "\(path).\(number - 1)", "\(path).\(number)")
        }
        if files == 1 { unlink(path) }
        return openIfNeeded()
    }

    private func giveUp() -> String {
        let failure = String(cString: strerror(errno))
        if descriptor >= 0 { ftruncate(descriptor, off_t(size)) }
        close()
        return failure
    }

    private func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}

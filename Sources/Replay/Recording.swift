import Glibc
import JSON
import Policy

/// A file of requests from another time: a decision log, or a capture.
public struct Recording: Sendable {
    public enum Format: Sendable { case decisionLog, capture }

    public let path: String
    public let format: Format

    /// Looks at how the file begins; `-` is a decision log on standard input.
    public init(path: String) throws(RecordingProblem) {
        self.path = path
        if path == "-" {
            format = .decisionLog
            return
        }
        guard let file = fopen(path, "re") else { throw CaptureFile.unreadable(path) }
        defer { fclose(file) }
        let first = fgetc(file)
        guard ferror(file) == 0 else { throw CaptureFile.unreadable(path) }
        guard first >= 0 else { throw RecordingProblem(.nothingFound, "\(path) is empty") }
        format = first == Int32(UInt8(ascii: "{")) ? .decisionLog : .capture
    }

    /// What was found on the way.
    public struct Reading: Sendable {
        public var capture: CaptureFigures?
        public var servers: Servers?
        /// Lines that are none of a decision log.
        public var badLines = 0
        /// What is wrong with the file behind what was read.
        public var problem: RecordingProblem?
    }

    /// Hands out all events in the order of the file.
    ///
    /// - Parameter servers: where requests of a capture go to; nil: the address that receives most of them.
    public func read(servers: Servers?, _ body: (RecordedEvent) -> Void) throws(RecordingProblem) -> Reading {
        switch format {
        case .decisionLog: try readLog(body)
        case .capture: try readCapture(servers, body)
        }
    }

    /// The servers of a capture, given or found.
    public func servers(given: Servers?) throws(RecordingProblem) -> Servers? {
        guard format == .capture, given == nil else { return given }
        var finder = ServerFinder()
        _ = try messages { finder.take($0) }
        return finder.servers
    }

    private func readLog(_ body: (RecordedEvent) -> Void) throws(RecordingProblem) -> Reading {
        guard let file = path == "-" ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re") else {
            throw CaptureFile.unreadable(path)
        }
        defer { fclose(file) }
        var (line, size): (UnsafeMutablePointer<CChar>?, Int) = (nil, 0)
        defer { free(line) }
        var reading = Reading()
        var good = 0
        while true {
            let count = getline(&line, &size, file)
            guard count > 0, let line else { break }
            let bytes = UnsafeRawBufferPointer(start: line, count: count)
            if let event = DecisionLogLine.event(bytes) {
                good += 1
                body(event)
            } else {
                reading.badLines += 1
                // A file without any is something else, however large it is.
                if good == 0, reading.badLines >= 1000 { break }
            }
        }
        guard good > 0 else {
            throw RecordingProblem(
                .nothingFound, "\(path): there is no decision in it",
                "Needed is what sipguardd writes with decision_log (sipguardd.yaml(5)), or a capture.")
        }
        return reading
    }

    private func readCapture(
        _ given: Servers?, _ body: (RecordedEvent) -> Void
    ) throws(RecordingProblem) -> Reading {
        guard let servers = try servers(given: given) else { throw noRequests(try messages { _ in }.figures) }
        var transactions = Transactions(servers: servers)
        var requests = 0
        let (figures, problem) = try messages { message in
            transactions.take(message) { event in
                if event.kind == .request { requests += 1 }
                body(event)
            }
        }
        guard requests > 0 else {
            throw RecordingProblem(
                .nothingFound, "\(path): no request goes to \(servers.names.joined(separator: ", "))",
                "Give the server's address with --server, or leave it out to have it found.")
        }
        return Reading(capture: figures, servers: servers, problem: problem)
    }

    private func messages(
        _ body: (CapturedMessage) -> Void
    ) throws(RecordingProblem) -> (figures: CaptureFigures, problem: RecordingProblem?) {
        let file = try CaptureFile(path: path)
        var reader = CaptureReader(linkType: file.linkType)
        while let frame = file.next() { reader.take(frame.bytes, isCut: frame.isCut, at: frame.at, body) }
        return (reader.figures, file.problem)
    }

    private func noRequests(_ figures: CaptureFigures) -> RecordingProblem {
        let problem = "\(path): there is no SIP request in \(figures.frames) frames"
        if figures.cutFrames > 0 {
            return RecordingProblem(
                .nothingFound, problem, "The capture has cut \(figures.cutFrames) of them: capture with tcpdump -s 0.")
        }
        return RecordingProblem(
            .nothingFound, problem,
            "Capture where SIP is in clear text, UDP or TCP: what TLS carries cannot be read. Try: tcpdump -i any -s 0 port 5060"
        )
    }
}

import ArgumentParser
import Console
import JSON
import PolicyFile
import Replay

/// `sipguardctl replay`
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Decide again about what was recorded: decision logs and captures.",
        discussion: """
            In the time of the recording, without the daemon. From a capture (pcap, pcapng; UDP and TCP in clear text) \
            what became of requests is read from the server's responses. Several files are read one after another, \
            the oldest first. Exit status 1 if --compare finds a difference, 65 if a file is broken or holds nothing, \
            66 if it cannot be read, 78 if a policy has mistakes.
            """)

    @Argument(
        help: ArgumentHelp("Decision logs, or one capture; - is a decision log on standard input.", valueName: "file"),
        completion: .file())
    var files: [String]

    @Option(help: "Decide by this policy file instead of the built-in policy.", completion: .file())
    var policy: String?

    @Option(
        help: "Say which sources and users this policy file would treat differently.", completion: .file())
    var compare: String?

    @Option(
        help: ArgumentHelp(
            "The server of a capture: address, network or address:port; may be repeated. By default the address that "
                + "most requests go to.", valueName: "address"),
        transform: { text in
            guard let entry = Servers.Entry(text) else {
                throw ValidationError("'\(text)' is no address; write 192.0.2.1, 192.0.2.0/24 or 192.0.2.1:5060")
            }
            return entry
        })
    var server: [Servers.Entry] = []

    @Option(help: "How many sources and users are listed, 1 to 10000.") var top = 20
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("Give a decision log or a capture.") }
        guard (1...10_000).contains(top) else { throw ValidationError("--top takes 1 to 10000.") }
    }

    func run() throws {
        try Terminal.reportingFailures {
            let (policy, other) = (
                try Self.policy(policy), try compare.map { (file) throws(Failure) in try Self.policy(file) }
            )
            let (result, broken) = try decide(policy, other)
            if connection.json {
                Terminal.print(result.safeText + "\n")
            } else {
                Terminal.printPage { $0.showReplay(result) }
            }
            if let broken { throw Failure(broken) }
            return result["comparison"]?["requests"]?.int64 ?? 0 > 0 ? .no : .ok
        }
    }

    private static func policy(_ file: String?) throws(Failure) -> PolicyDocument {
        guard let file else { return .builtIn }
        let text = try InputFile.text(file)
        do throws(PolicyProblems) {
            return try PolicyDocument.parse(text: text, name: file)
        } catch {
            throw Failure.badFile(error.problems.map(\.description))
        }
    }

    /// The result, and what is wrong with a file that was read up to there.
    private func decide(
        _ policy: PolicyDocument, _ other: PolicyDocument?
    ) throws(Failure) -> (JSONValue, RecordingProblem?) {
        do throws(RecordingProblem) {
            let recordings = try files.map { (file) throws(RecordingProblem) in try Recording(path: file) }
            var servers = server.isEmpty ? nil : Servers(server)
            // Found once, in the first capture.
            for recording in recordings where servers == nil { servers = try recording.servers(given: nil) }
            let rerun = Rerun(policy: policy, other: other, own: servers?.own ?? [])
            var readings: [Recording.Reading] = []
            for recording in recordings { readings.append(try recording.read(servers: servers) { rerun.take($0) }) }
            var result = rerun.result(top: top).object ?? [:]
            result["recording"] = Self.describe(readings)
            return (.object(result), readings.compactMap(\.problem).first)
        } catch {
            throw Failure(error)
        }
    }

    private static func describe(_ readings: [Recording.Reading]) -> JSONValue {
        func sum(_ figure: (CaptureFigures) -> Int) -> JSONValue {
            .int(Int64(readings.compactMap(\.capture).map(figure).reduce(0, +)))
        }
        return [
            "servers": .array((readings.compactMap(\.servers).first?.names ?? []).map(JSONValue.string)),
            "frames": sum(\.frames), "messages": sum(\.messages), "cut_frames": sum(\.cutFrames),
            "repeated_packets": sum(\.repeatedPackets),
            "lost_fragments": sum(\.lostFragments), "stream_gaps": sum(\.streamGaps),
            "bad_lines": .int(Int64(readings.map(\.badLines).reduce(0, +))),
        ]
    }
}

extension Failure {
    fileprivate init(_ problem: RecordingProblem) {
        self.init(problem.kind == .unreadable ? .noInput : .badData, problem.problem, advice: problem.advice)
    }
}

import Glibc
import Guard
import JSON
import Logging
import Policy
import Synchronization

/// Writes log lines to standard error, never more than a bounded number a second, and never fails.
public struct StderrLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level
    private let format: LogFormat
    private let output: LogOutput

    public init(level: Logger.Level, format: LogFormat, output: LogOutput) {
        (logLevel, self.format, self.output) = (level, format.resolved, output)
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        output.write(line(event.level, event.message.description, facts))
    }

    private func line(_ level: Logger.Level, _ message: String, _ facts: [(key: String, value: Logger.MetadataValue)])
        -> String
    {
        switch format {
        case .json:
            var object: JSONObject = [
                "time": .string(Clock.text(of: Clock.now)), "level": .string(level.rawValue),
                "message": .string(message),
            ]
            for (key, value) in facts { object[key] = .string("\(value)") }
            return JSONValue.object(object).text + "\n"
        case .journald: return "<\(level.priority)>\(Self.words(message, facts))\n"
        case .text, .automatic:
            return "\(Clock.text(of: Clock.now)) \(level.rawValue) \(Self.words(message, facts))\n"
        }
    }

    private static func words(_ message: String, _ facts: [(key: String, value: Logger.MetadataValue)]) -> String {
        facts.reduce(visible(message)) { $0 + " \($1.key)=\(quoted(visible("\($1.value)")))" }
    }

    private static func quoted(_ text: String) -> String {
        text.isEmpty || text.contains(" ") ? "\"\(text)\"" : text
    }

    /// Without control characters: what a peer sent must not make lines or terminal commands of its own.
    private static func visible(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Where lines go, and how many of them.
public final class LogOutput: Sendable {
    private struct State {
        var allowance: Double
        var refilled = Clock.now
        var suppressed = 0
    }

    private let descriptor: Int32
    private let linesPerSecond: Double
    private let burst: Double
    private let state: Mutex<State>
    private let failures = Atomic<Int>(0)

    public init(descriptor: Int32 = 2, linesPerSecond: Int = 50, burst: Int = 500) {
        (self.descriptor, self.linesPerSecond, self.burst) = (descriptor, Double(linesPerSecond), Double(burst))
        state = Mutex(State(allowance: Double(burst)))
    }

    /// Lines that could not be written, to a full disk for example.
    public var failureCount: Int { failures.load(ordering: .relaxed) }

    func write(_ line: String) {
        let verdict = state.withLock { state -> Int? in
            let now = Clock.now
            let elapsed = Double((now - state.refilled).microseconds) / 1e6
            state.refilled = now
            state.allowance = min(burst, state.allowance + elapsed * linesPerSecond)
            guard state.allowance >= 1 else {
                state.suppressed += 1
                return nil
            }
            state.allowance -= 1
            defer { state.suppressed = 0 }
            return state.suppressed
        }
        guard let suppressed = verdict else { return }
        put(
            suppressed == 0
                ? line : "log: \(suppressed) lines left out, more than \(Int(linesPerSecond)) a second\n\(line)")
    }

    private func put(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                failures.add(1, ordering: .relaxed)
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }
}

extension Logger.Level {
    /// The priority of syslog(3).
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

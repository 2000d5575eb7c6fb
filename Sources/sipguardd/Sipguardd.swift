import ArgumentParser
import Daemon
import Glibc
import JSON
import Logging
import PolicyFile
import RPC

/// The daemon's command line.
@main struct Sipguardd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sipguardd",
        abstract: "Decides how a SIP proxy answers a request: pass, reject, a 200 that stops scanners, or silence.",
        discussion: """
            Without --config it listens on /run/sipguardd/ask.sock and /run/sipguardd/admin.sock and uses the built-in \
            policy. SIGHUP reads the policy again, SIGTERM ends the daemon after what it has received is answered.
            Exit codes: 0 ended by a signal, 64 wrong usage, 71 the system refused a socket, 73 a socket cannot be made, \
            78 mistakes in the configuration or policy.
            """,
        version: "sipguardd \(Daemon.version)")

    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp("The policy file, instead of the configuration's or the built-in one.", valueName: "file"))
    var policy: String?

    @Option(
        help: ArgumentHelp(
            "A listener, instead of the configuration's; may be repeated. unix:/path or tcp:address:port, then "
                + ",role=ask|read|admin and for Unix sockets ,mode=0660 ,owner=NAME ,group=NAME; or "
                + "fastagi:address:port for Asterisk's dialplan, then ,timeout=200ms.",
            valueName: "listener"),
        transform: {
            guard let listener = ListenerConfiguration(option: $0) else {
                throw ValidationError(
                    "'\($0)' is no listener; write unix:/run/sipguardd/ask.sock,role=ask,mode=0660 or tcp:127.0.0.1:4571,role=ask"
                )
            }
            return listener
        })
    var listen: [ListenerConfiguration] = []

    @Option(
        help: ArgumentHelp("Memory of the tables, such as 64MiB; the most that they will ever use.", valueName: "size"),
        transform: {
            let units = ["KiB": 10, "MiB": 20, "GiB": 30]
            let digits = $0.prefix { $0.isASCII && $0.isNumber }
            guard let shift = units[String($0.dropFirst(digits.count))], let number = Int(digits), number < 1 << 30,
                Configuration.memoryBounds.contains(number << shift)
            else { throw ValidationError("'\($0)' is no size from 1MiB to 64GiB; write 64MiB for example") }
            return number << shift
        })
    var memory: Int?

    @Option(
        help: ArgumentHelp(
            "Where bans and the run-time allow list outlive a restart; beside it, lists of feeds do.", valueName: "file"
        ))
    var stateFile: String?

    @Option(
        help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"),
        transform: {
            guard let level = Logger.Level(rawValue: $0) else {
                throw ValidationError(
                    "'\($0)' is no level; write trace, debug, info, notice, warning, error or critical")
            }
            return level
        })
    var logLevel: Logger.Level?

    @Option(help: "auto, text, journald or json.")
    var logFormat: LogFormat?

    @Flag(help: "Read configuration and policy, say what is wrong with them, and end.")
    var checkConfig = false

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        seedJSONHashing()
        do {
            try await start()
        } catch let failure as StartFailure {
            complain("\(failure)")
            throw ExitCode(failure.exitCode)
        }
    }

    private func start() async throws {
        let configuration = try merged()
        let policy = try loadPolicy(of: configuration)
        if checkConfig {
            try check(configuration.listeners)
            print("configuration and policy are good")
            for warning in policy.document.warnings { print("warning: \(warning)") }
            return
        }
        let output = LogOutput()
        let (level, format) = (configuration.logLevel, configuration.logFormat)
        let logger = Logger(label: "sipguardd") { _ in StderrLogHandler(level: level, format: format, output: output) }
        try await serve(configuration, policy: policy, logger: logger, output: output)
    }

    private func check(_ listeners: [ListenerConfiguration]) throws(StartFailure) {
        do throws(ListenerError) {
            for listener in listeners { try listener.check() }
        } catch {
            throw .listener(error)
        }
    }

    /// The file's settings with the command line's on top.
    private func merged() throws(StartFailure) -> Configuration {
        var configuration = Configuration()
        if let config {
            do throws(FileProblems) {
                configuration = try ConfigurationFile.load(path: config)
            } catch {
                throw .configuration(error)
            }
        }
        if let policy { configuration.policyPath = policy }
        if !listen.isEmpty { configuration.listeners = listen }
        if let memory { configuration.memory = memory }
        if let stateFile { configuration.stateFile = stateFile }
        if let logLevel { configuration.logLevel = logLevel }
        if let logFormat { configuration.logFormat = logFormat }
        return configuration
    }

    private func complain(_ text: String) {
        let line = Array("sipguardd: \(text)\n".utf8)
        write(2, line, line.count)
    }
}

extension LogFormat: ExpressibleByArgument {}

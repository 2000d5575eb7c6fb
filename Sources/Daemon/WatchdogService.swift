import Glibc
import Logging
import RPC
import ServiceLifecycle

/// Tells systemd's watchdog that questions are answered, which it finds out by asking one (sd_watchdog_enabled(3)).
///
/// A daemon that hangs, or whose socket somebody has removed, is restarted by systemd; until then each question costs its
/// proxy the whole time limit. Where systemd does not ask for it there is no service.
struct WatchdogService: Service {
    private let server: RPCClient.Server
    private let interval: Duration
    private let worker: Worker
    private let logger: Logger

    /// nil where systemd has no watchdog for this process, or nothing listens that could be asked.
    init?(_ listeners: [ListenerConfiguration], logger: Logger) {
        guard let limit = Self.limit, let server = listeners.compactMap(\.server).first,
            let worker = Worker(named: "watchdog")
        else { return nil }
        (self.server, self.worker, self.logger, interval) = (server, worker, logger, limit / 3)
    }

    /// WATCHDOG_USEC, where it is meant for this process.
    private static var limit: Duration? {
        if let process = variable("WATCHDOG_PID"), process != Int64(getpid()) { return nil }
        return variable("WATCHDOG_USEC").flatMap { $0 >= 300_000 ? .microseconds($0) : nil }
    }

    private static func variable(_ name: String) -> Int64? { getenv(name).flatMap { Int64(String(cString: $0)) } }

    func run() async throws {
        let code = worker.start { [server, interval, worker, logger] in
            var isAnswering = true
            while !worker.isStopping {
                let answers = Self.isAnswered(by: server, within: interval)
                if answers { ServiceNotification.watchdog.send() }
                if answers != isAnswering {
                    if answers {
                        logger.notice("questions are answered again")
                    } else {
                        logger.error("own question was not answered, systemd's watchdog will act")
                    }
                }
                isAnswering = answers
                worker.sleep(until: .now + interval)
            }
        }
        if code != 0 { logger.error("no thread for the watchdog", metadata: ["errno": "\(code)"]) }
        try? await gracefulShutdown()
        worker.stop(within: .seconds(1))
    }

    /// Any answer will do: also that of a listener with too many connections.
    private static func isAnswered(by server: RPCClient.Server, within limit: Duration) -> Bool {
        do throws(RPCClientError) {
            _ = try RPCClient(connectingTo: server, timeout: limit).call("daemon.ping")
            return true
        } catch {
            if case .rpc = error { return true }
            return false
        }
    }
}

extension ListenerConfiguration {
    /// Where a question can be asked in JSON.
    fileprivate var server: RPCClient.Server? {
        guard wireProtocol == .jsonRPC else { return nil }
        return switch endpoint {
        case .unix(let socket): .unix(path: socket.path)
        case .tcp(let tcp): .tcp(host: tcp.host, port: tcp.port)
        }
    }
}

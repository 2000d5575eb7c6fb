import Guard
import Logging
import RPC
import ServiceLifecycle

/// Writes the decision log on a thread of its own, since disks make wait, until all others have ended.
struct DecisionLogService: Service {
    private let worker: Worker?
    private let log: DecisionLog
    private let logger: Logger

    /// nil where no decision log is configured.
    init?(_ log: DecisionLog?, logger: Logger) {
        guard let log else { return nil }
        // It does little, but where all processors are taken it would wait behind 32 threads until its queue is full.
        (self.log, self.logger, worker) = (log, logger, Worker(named: "decision-log", priority: 10))
    }

    func run() async throws {
        log.whenFilling { [worker] in worker?.wake() }
        let code = worker?.start { [worker, log, logger] in
            let writer = DecisionLogWriter(log)
            while worker?.isStopping == false {
                Self.tell(writer.write(), logger)
                worker?.sleep(until: .now + .milliseconds(50))
            }
            Self.tell(writer.write(), logger)
        }
        if code != 0 { logger.error("no thread for the decision log", metadata: ["errno": "\(code ?? -1)"]) }
        try? await gracefulShutdown()
        worker?.stop(within: .seconds(2))
    }

    private static func tell(_ event: GuardEvent?, _ logger: Logger) {
        if let event { EventLog.write(event, to: logger) }
    }
}

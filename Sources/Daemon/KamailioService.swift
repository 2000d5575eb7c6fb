import Guard
import Kamailio
import Logging
import ServiceLifecycle

/// Keeps a table of Kamailio's as the bans are, where that is configured.
struct KamailioService: Service {
    private let push: BanPush
    private let logger: Logger

    /// nil where it is not configured.
    init?(_ table: KamailioTable?, state: GuardState, logger: Logger) {
        guard let table else { return nil }
        self.logger = logger
        let push = BanPush(table: table, state: state) { logger.log($0) }
        guard let push else {
            logger.error("no descriptors for the push of bans to Kamailio")
            return nil
        }
        self.push = push
        state.addErrorCount("kamailio_push_failures") { push.failures }
        state.addErrorCount("kamailio_bans_left_out") { push.leftOut }
    }

    func run() async throws {
        let code = push.start()
        if code != 0 { logger.error("no thread for Kamailio", metadata: ["errno": "\(code)"]) }
        try? await gracefulShutdown()
        push.stop()
    }
}

extension Logger {
    fileprivate func log(_ event: PushEvent) {
        switch event {
        case .reached(let bans): notice("Kamailio has the bans", metadata: ["bans": "\(bans)"])
        case .failing(let reason): warning("bans cannot be pushed to Kamailio", metadata: ["reason": "\(reason)"])
        case .full(let most): warning("no more bans are pushed to Kamailio", metadata: ["bans": "\(most)"])
        }
    }
}

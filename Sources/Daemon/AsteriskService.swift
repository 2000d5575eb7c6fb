import AMI
import ARI
import Guard
import Logging
import ServiceLifecycle

/// Reads an Asterisk's security events, and has it answer treated sources by itself, as far as each is configured.
struct AsteriskService: Service {
    private let feed: SecurityFeed?
    private let actuator: Actuator?
    private let logger: Logger

    /// nil where neither is configured.
    init?(_ asterisk: Configuration.Asterisk, state: GuardState, logger: Logger) {
        guard asterisk.events != nil || asterisk.honeypot != nil else { return nil }
        self.logger = logger
        let tried = TriedUsers()
        let actuator = asterisk.honeypot.flatMap { honeypot in
            Actuator(account: honeypot.account, settings: honeypot.settings, state: state, tried: tried) {
                logger.log($0)
            }
        }
        self.actuator = actuator
        feed = asterisk.events.flatMap { account in
            SecurityFeed(account: account, state: state, onFailure: { tried.note($0, $1) }) { event in
                if case .connected = event { actuator?.asteriskMayHaveRestarted() }
                logger.log(event)
            }
        }
        if let feed {
            state.addErrorCount("asterisk_event_gaps") { feed.counters.gaps }
            state.addErrorCount("asterisk_events_malformed") { feed.counters.malformed }
        }
    }

    func run() async throws {
        for code in [actuator?.start(), feed?.start()].compactMap({ $0 }) where code != 0 {
            logger.error("no thread for Asterisk", metadata: ["errno": "\(code)"])
        }
        try? await gracefulShutdown()
        // The feed first: it makes work for the other, which then leaves Asterisk as it was.
        feed?.stop()
        actuator?.stop()
    }
}

extension Logger {
    fileprivate func log(_ event: FeedEvent) {
        switch event {
        case .connected(nil): notice("reading Asterisk's security events")
        case .connected(let gap?):
            notice(
                "reading Asterisk's security events again",
                metadata: ["gap_seconds": "\(gap.components.seconds)"])
        case .lost(let reason): warning("Asterisk's security events cannot be read", metadata: ["reason": "\(reason)"])
        case .malformed: warning("an Asterisk event was not as Asterisk writes them and did not count")
        }
    }

    fileprivate func log(_ event: ActuatorEvent) {
        switch event {
        case .entered(let source, let rule):
            notice("Asterisk answers a source with 200", metadata: ["source.prefix": "\(source)", "rule": "\(rule)"])
        case .left(let source):
            notice("Asterisk answers a source as usual again", metadata: ["source.prefix": "\(source)"])
        case .failing(let reason):
            warning("Asterisk's configuration cannot be changed", metadata: ["reason": "\(reason)"])
        case .workingAgain: notice("Asterisk's configuration can be changed again")
        case .full(let sources):
            warning("no more sources are answered by Asterisk", metadata: ["sources": "\(sources)"])
        }
    }
}

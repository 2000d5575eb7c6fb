import Feeds
import Guard
import Logging
import ServiceLifecycle

/// Gets feeds and looks up the allow list's names, on threads that may wait as long as they have to.
struct LookupService: Service {
    private let threads: [Lookups]
    private let logger: Logger

    init(state: GuardState, logger: Logger) {
        self.logger = logger
        threads = [Lookups.files(state), Lookups.urls(state), Lookups.names(state)].compactMap { $0 }
    }

    func run() async throws {
        for thread in threads {
            let code = thread.start()
            if code != 0 { logger.error("no thread for feeds or names", metadata: ["errno": "\(code)"]) }
        }
        try? await gracefulShutdown()
        for thread in threads { thread.stop() }
    }
}

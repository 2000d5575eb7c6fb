import Feeds
import Guard
import Logging
import ServiceLifecycle

/// Gets feeds and looks up the allow list's names, on threads that may wait as long as they have to.
struct LookupService: Service {
    private let threads: [Lookups]
    private let logger: Logger

    /// - Parameter stateFile: beside it the lists of servers outlive a restart; nil: they do not.
    init(state: GuardState, stateFile: String?, logger: Logger) {
        self.logger = logger
        let urls = Lookups.urls(state, keepingListsIn: stateFile.map { $0 + ".feeds" })
        threads = [Lookups.files(state), urls, Lookups.names(state)].compactMap { $0 }
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

import Guard
import Policy
import RPC

/// A thread that gets one kind of thing again and again, each when it is due.
///
/// What there is to get is asked of the running policy at every turn, so a reload needs no word to it. Files, servers and names
/// have a thread each: who waits for a server does not keep a changed file from being read.
public final class Lookups: Sendable {
    private let worker: Worker
    private let makeTurn: @Sendable (Worker) -> (() -> Void)

    /// How long between two looks at what is due.
    static let pause = Duration.seconds(1)

    private init?(_ name: String, _ makeTurn: @escaping @Sendable (Worker) -> (() -> Void)) {
        guard let worker = Worker(named: name) else { return nil }
        (self.worker, self.makeTurn) = (worker, makeTurn)
    }

    /// 0 or an errno.
    public func start() -> Int32 {
        worker.start { [worker, makeTurn] in
            let turn = makeTurn(worker)
            while !worker.isStopping {
                turn()
                worker.sleep(until: .now + Self.pause)
            }
        }
    }

    /// A look-up of a name cannot be called back: the thread is left to itself then, and ends with the process.
    public func stop() { worker.stop(within: .seconds(1)) }

    /// Feeds from files.
    public static func files(_ state: GuardState) -> Lookups? {
        Lookups("feed-files") { _ in
            let turns = FeedTurns(state, gets: { if case .file = $0.place { true } else { false } }) { rule in
                FeedFile(rule.origin)
            }
            return turns.take
        }
    }

    /// Feeds from servers.
    ///
    /// - Parameter directory: where the last good lists outlive a restart; nil: they do not.
    public static func urls(_ state: GuardState, keepingListsIn directory: String? = nil) -> Lookups? {
        Lookups("feed-urls") { worker in
            let saved = directory.map(SavedLists.init)
            let gets = { (origin: FeedOrigin) in if case .url = origin.place { true } else { false } }
            let turns = FeedTurns(state, gets: gets, saved: saved) { rule in
                FeedURL(rule.origin) { worker.isStopping }
            }
            return turns.take
        }
    }

    /// The allow list's names.
    public static func names(_ state: GuardState) -> Lookups? {
        Lookups("allow-names") { worker in
            let turns = NameTurns(state, isCancelled: { worker.isStopping })
            return turns.take
        }
    }
}

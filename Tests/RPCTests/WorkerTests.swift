import Glibc
import Synchronization
import Testing

@testable import RPC

@Suite struct WorkerTests {
    private static let process = __priority_which_t(PRIO_PROCESS.rawValue)

    /// The nice value of a thread of its own on which `body` has run.
    private static func niceness(priority: Int32 = 0, _ body: @escaping @Sendable () -> Void = {}) throws -> Int32? {
        let worker = try #require(Worker(named: "worker-test", priority: priority))
        let seen = Seen()
        let code = worker.start {
            body()
            seen.niceness.withLock { $0 = getpriority(process, 0) }
        }
        #expect(code == 0 && worker.stop(within: .seconds(5)))
        return seen.niceness.withLock { $0 }
    }

    @Test("a worker with priority comes before the others where it may, and runs where it may not", arguments: [0, 3])
    func priority(steps: Int32) throws {
        let others = try Self.niceness()
        let allowed = try Self.niceness { setpriority(Self.process, 0, getpriority(Self.process, 0) - steps) }
        #expect(try Self.niceness(priority: steps) == allowed)
        #expect(try Self.niceness() == others)
    }

    private final class Seen: Sendable { let niceness = Mutex<Int32?>(nil) }
}

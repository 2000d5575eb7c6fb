import Glibc
import Synchronization
import Testing

@testable import RPC

@Suite struct WorkerTests {
    private static let process = __priority_which_t(PRIO_PROCESS.rawValue)

    /// How the kernel chooses when a thread runs.
    private struct Place: Equatable {
        let isRealTime = sched_getscheduler(0) & SCHED_RR != 0
        let niceness = getpriority(process, 0)
    }

    /// That of a thread of its own on which `body` has run.
    private static func place(priority: Int32 = 0, _ body: @escaping @Sendable () -> Void = {}) throws -> Place? {
        let worker = try #require(Worker(named: "worker-test", priority: priority))
        let seen = Seen()
        let code = worker.start {
            body()
            seen.place.withLock { $0 = Place() }
        }
        #expect(code == 0 && worker.stop(within: .seconds(5)))
        return seen.place.withLock { $0 }
    }

    @Test("a worker with priority comes before others as far as it may", arguments: [0, 3])
    func priority(steps: Int32) throws {
        let others = try Self.place()
        let allowed = try Self.place {
            var least = sched_param(sched_priority: 1)
            guard steps > 0, sched_setscheduler(0, SCHED_RR, &least) != 0 else { return }
            setpriority(Self.process, 0, getpriority(Self.process, 0) - steps)
        }
        #expect(try Self.place(priority: steps) == allowed)
        #expect(try Self.place() == others)
    }

    private final class Seen: Sendable { let place = Mutex<Place?>(nil) }
}

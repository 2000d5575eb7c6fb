import CAllocations
import Glibc
import Guard
import JSON
import Policy
import PolicyFile
import RPC

/// The daemon's methods without a socket, under the built-in policy.
final class House {
    let state: GuardState
    private let dispatcher: Dispatcher
    private var reply = JSONWriter()

    init(memory: Int = GuardState.defaultMemory, policy: PolicyDocument = .builtIn, decisionLog: DecisionLog? = nil) {
        let loaded = LoadedPolicy(document: policy, path: nil, loadedAt: Clock.now)
        state = GuardState(policy: loaded, memory: memory, version: "bench", decisionLog: decisionLog)
        dispatcher = Dispatcher(service: GuardService(state: state), caller: Caller(listener: "bench", role: .ask))
    }

    /// The reply's length.
    func answer(_ line: UnsafeRawBufferPointer) -> Int {
        reply.removeAll()
        dispatcher.answer(line, into: &reply)
        return reply.count
    }

    /// The last reply.
    var text: String { reply.text }
}

/// What a piece of work took.
struct Cost {
    let nanoseconds: Double
    let allocations: UInt

    /// For each of `count` turns of `body`.
    static func of(_ count: Int, _ body: () -> Void) -> Cost {
        let (before, start) = (allocations_of_this_thread(), Self.nanoseconds())
        for _ in 0..<count { body() }
        let elapsed = Self.nanoseconds() - start
        return Cost(nanoseconds: Double(elapsed) / Double(count), allocations: allocations_of_this_thread() - before)
    }

    /// The time that this thread has run: what others do meanwhile on the same core is none of it.
    static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

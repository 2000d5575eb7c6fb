import CPlatform
import Glibc
import Synchronization

/// A thread of its own for something that waits, and the way to wake and to end it.
package final class Worker: Sendable {
    let wakeUp: WakeUp
    private let ended: WakeUp
    private let name: String
    private let priority: Int32
    private let state = Mutex(State.new)

    private enum State { case new, running, stopping, ended }

    /// nil where the system has no descriptors left.
    ///
    /// - Parameter priority: not 0: the thread comes before all others, in real time where the process may, else by so many steps of
    ///   nice(1).
    package init?(named name: String, priority: Int32 = 0) {
        guard let wakeUp = WakeUp(), let ended = WakeUp() else { return nil }
        (self.wakeUp, self.ended, self.name, self.priority) = (wakeUp, ended, name, priority)
    }

    /// Runs `body` on a new thread; 0 or an errno. Only the first call does anything.
    package func start(_ body: @escaping @Sendable () -> Void) -> Int32 {
        let isFirst = state.withLock { state in
            defer { if state == .new { state = .running } }
            return state == .new
        }
        guard isFirst else { return 0 }
        let code = startThread(named: name) { [self] in
            if priority != 0 { _ = platform_come_before(priority) }
            body()
            state.withLock { $0 = .ended }
            ended.signal()
        }
        if code != 0 { state.withLock { $0 = .ended } }
        return code
    }

    /// Whether the thread is to end; it looks between two waits.
    package var isStopping: Bool { state.withLock { $0 == .stopping } }

    /// Ends a wait of the thread, the present one or the next.
    package func wake() { wakeUp.signal() }

    /// The thread waits here; ends early when woken.
    package func sleep(until deadline: ContinuousClock.Instant) {
        if !isStopping { wakeUp.wait(until: deadline) }
    }

    /// Asks the thread to end and waits for it; false if it has not within the time.
    @discardableResult
    package func stop(within limit: Duration) -> Bool {
        let isRunning = state.withLock { state in
            if state == .running { state = .stopping }
            if state == .new { state = .ended }
            return state == .stopping
        }
        wakeUp.signal()
        let deadline = ContinuousClock.now + limit
        while isRunning, state.withLock({ $0 != .ended }) {
            guard ContinuousClock.now < deadline else { return false }
            // In steps: of two that wait one takes the signal.
            ended.wait(until: min(deadline, .now + .milliseconds(100)))
        }
        return true
    }
}

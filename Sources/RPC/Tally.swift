import Synchronization

/// A number that one thread writes and any thread reads.
package struct SingleWriterCounter: ~Copyable, Sendable {
    private let value = Atomic<UInt64>(0)

    /// Without a locked instruction, since nobody else writes.
    package func increment(by amount: UInt64 = 1) {
        value.store(value.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    var current: UInt64 { value.load(ordering: .relaxed) }
}

/// What one connection has counted; written by its own thread only.
package final class Tally: Sendable {
    package let requests = SingleWriterCounter()
    let notifications = SingleWriterCounter()
    package let bytesReceived = SingleWriterCounter()
    package let bytesSent = SingleWriterCounter()
    let slowPeers = SingleWriterCounter()
    private let errors = Mutex<[Int: UInt64]>([:])
    private let incidents = Mutex<[String: UInt64]>([:])

    /// Errors are rare, and where they are not the client pays for the lock, which is its own connection's.
    func count(error code: Int) {
        errors.withLock { $0[code, default: 0] += 1 }
    }

    /// Counts something rare by its name, of which there are few.
    package func count(_ incident: String, _ amount: UInt64 = 1) {
        incidents.withLock { $0[incident, default: 0] += amount }
    }

    func add(to sum: inout ListenerCounters) {
        sum.requests += requests.current
        sum.notifications += notifications.current
        sum.bytesReceived += bytesReceived.current
        sum.bytesSent += bytesSent.current
        sum.slowPeers += slowPeers.current
        for (code, count) in errors.withLock({ $0 }) { sum.errors[code, default: 0] += count }
        for (name, count) in incidents.withLock({ $0 }) { sum.incidents[name, default: 0] += count }
    }
}

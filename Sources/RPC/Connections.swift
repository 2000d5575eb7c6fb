import Glibc

/// The open connections of a listener and what the closed ones have counted.
///
/// A descriptor is closed here and nowhere else, under the listener's lock, so that nobody shuts down a number that
/// has been given to somebody else in the meantime.
struct Connections {
    private(set) var open: [ObjectIdentifier: Connection] = [:]
    private var acceptingThreads = 0
    private var isDraining = false
    private var isFull = false
    private var closed = ListenerCounters()

    /// What became of a new connection.
    enum Addition {
        case added(hasRoomAgain: Bool)
        case full(isFirst: Bool)
        case draining
    }

    private var isAccepting: Bool { acceptingThreads > 0 }
    var isIdle: Bool { !isAccepting && open.isEmpty }

    var counters: ListenerCounters {
        var sum = closed
        sum.open = UInt64(open.count)
        for connection in open.values { connection.tally.add(to: &sum) }
        return sum
    }

    mutating func countAcceptFailure() { closed.acceptFailures += 1 }

    /// False if it has begun or ended before.
    mutating func beginAccepting(threads: Int) -> Bool {
        guard !isAccepting, !isDraining else { return false }
        acceptingThreads = threads
        return true
    }

    /// Threads that accepted have ended, or could not be made. True if these were the last.
    mutating func endAccepting(threads: Int = 1) -> Bool {
        acceptingThreads -= threads
        return acceptingThreads == 0
    }

    mutating func add(_ connection: Connection, limit: Int) -> Addition {
        if isDraining { return .draining }
        if open.count >= limit {
            defer { isFull = true }
            closed.refused += 1
            return .full(isFirst: !isFull)
        }
        // Some room must be left before it counts as a change: one that leaves and one that comes are none.
        let hasRoomAgain = isFull && open.count < limit - limit / 8
        if hasRoomAgain { isFull = false }
        closed.accepted += 1
        open[ObjectIdentifier(connection)] = connection
        return .added(hasRoomAgain: hasRoomAgain)
    }

    /// Returns whether somebody waits for the last one to go.
    mutating func remove(_ connection: Connection) -> Bool {
        guard open.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return false }
        connection.tally.add(to: &closed)
        close(connection.socket.descriptor)
        return isDraining
    }

    /// Takes no more; `cutting` ends the receiving of every connection, and what has come is still served. Returns
    /// whether somebody is accepting.
    mutating func beginDraining(cutting: Bool) -> Bool {
        isDraining = true
        if cutting { shutDownAll(Int32(SHUT_RD)) }
        return isAccepting
    }

    func shutDownAll(_ how: Int32) {
        for connection in open.values { shutdown(connection.socket.descriptor, how) }
    }
}

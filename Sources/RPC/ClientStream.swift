import Glibc

/// A connection that this program makes to another one, for protocols other than JSON-RPC; for one thread.
package final class ClientStream {
    private let socket: Socket

    /// Connects to an address on this machine or elsewhere.
    package init(host: String, port: UInt16, timeout: Duration) throws(RPCClientError) {
        socket = try Socket(connectingTo: .tcp(host: host, port: port), timeout: timeout)
    }

    deinit { close(socket.descriptor) }

    /// What came of receiving.
    package enum Received: Equatable {
        case bytes(Int)
        case closed
        case timedOut
    }

    /// Sends everything; false if the peer has closed or does not take it in time.
    package func send(_ bytes: [UInt8], timeout: Duration) -> Bool {
        bytes.withUnsafeBytes { socket.send($0, timeout: timeout) == .all }
    }

    /// Waits for bytes until the deadline, or until `worker` is to end, which looks like a peer that closed.
    package func receive(
        into space: UnsafeMutableRawBufferPointer, until deadline: ContinuousClock.Instant,
        unlessStopped worker: Worker?
    ) -> Received {
        while true {
            if worker?.isStopping == true { return .closed }
            var entries = [pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)]
            if let worker { entries.append(pollfd(fd: worker.wakeUp.descriptor, events: Int16(POLLIN), revents: 0)) }
            let count = poll(&entries, nfds_t(entries.count), milliseconds(until: deadline))
            if count == 0 { return .timedOut }
            if count < 0 && errno != EINTR { return .closed }
            if entries[0].revents != 0 {
                guard case .bytes(let count) = socket.receive(into: space) else { return .closed }
                return .bytes(count)
            }
            if entries.count > 1, entries[1].revents != 0 { worker?.wakeUp.wait(until: .now) }
        }
    }
}

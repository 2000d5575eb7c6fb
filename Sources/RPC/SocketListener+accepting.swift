import CPlatform
import Glibc
import Synchronization

/// What the thread that waits for connections knows from those that did so before.
struct AcceptingTurn {
    var isFailing = false
}

extension SocketListener {
    /// An accepting thread: takes connections, in turn with others, until it is time to end.
    func acceptConnections() {
        while let descriptor = nextConnection() { take(descriptor) }
    }

    private func nextConnection() -> Int32? {
        waiting.add(1, ordering: .relaxed)
        return turn.withLock { turn in
            waiting.subtract(1, ordering: .relaxed)
            return waitAndAccept(&turn.isFailing)
        }
    }

    /// Nil when it is time to end.
    private func waitAndAccept(_ isFailing: inout Bool) -> Int32? {
        while waitForConnection() {
            let descriptor = platform_accept(socket.descriptor)
            if descriptor >= 0 {
                if isFailing { onEvent?(.acceptRecovered) }
                isFailing = false
                return descriptor
            }
            guard isLasting(errno) else { continue }
            let code = errno
            countAcceptFailure()
            if !isFailing { onEvent?(.acceptFailing(errno: code)) }
            isFailing = true
            if isWoken(within: 100) { break }
        }
        // The others only look whether it is time to end, so nobody waits on it any more.
        socket.close()
        return nil
    }

    /// Whether accept(2) would fail again at once: descriptors or memory are short, not this one connection broken.
    private func isLasting(_ code: Int32) -> Bool {
        [EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK].contains(code)
    }

    /// False when it is time to end.
    private func waitForConnection() -> Bool {
        let interest = Int16(POLLIN)
        var entries = (
            pollfd(fd: wakeUp.descriptor, events: interest, revents: 0),
            pollfd(fd: socket.descriptor, events: interest, revents: 0)
        )
        while true {
            let count = withUnsafeMutablePointer(to: &entries) {
                $0.withMemoryRebound(to: pollfd.self, capacity: 2) { poll($0, 2, -1) }
            }
            if count > 0 { return entries.0.revents == 0 }
        }
    }

    private func isWoken(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }
}

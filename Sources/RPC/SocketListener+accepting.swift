import CPlatform
import Glibc
import Synchronization

extension SocketListener {
    /// An accepting thread: takes connections until it is time to end. The kernel chooses which of the threads a connection
    /// wakes; no lock between them.
    ///
    /// - Parameter watch: what `platform_watch` gave; closed at the end.
    func acceptConnections(_ watch: Int32) {
        while let descriptor = nextConnection(watch) { take(descriptor) }
        Glibc.close(watch)
    }

    /// Nil when it is time to end.
    private func nextConnection(_ watch: Int32) -> Int32? {
        waiting.add(1, ordering: .relaxed)
        defer { waiting.subtract(1, ordering: .relaxed) }
        while platform_await_connection(watch, wakeUp.descriptor) == 1 {
            let descriptor = platform_accept(socket.descriptor)
            if descriptor >= 0 {
                noteAccepting(failure: nil)
                return descriptor
            }
            let code = errno
            guard isLasting(code) else { continue }
            if isWoken(within: 0) { break }
            countAcceptFailure()
            noteAccepting(failure: code)
            if isWoken(within: 100) { break }
        }
        return nil
    }

    private func noteAccepting(failure code: Int32?) {
        guard isFailing.load(ordering: .relaxed) != (code != nil) else { return }
        guard isFailing.exchange(code != nil, ordering: .relaxed) != (code != nil) else { return }
        onEvent?(code.map { .acceptFailing(errno: $0) } ?? .acceptRecovered)
    }

    /// Whether accept(2) would fail again at once: descriptors or memory are short, not this one connection broken.
    private func isLasting(_ code: Int32) -> Bool {
        [EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK].contains(code)
    }

    private func isWoken(within milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }
}

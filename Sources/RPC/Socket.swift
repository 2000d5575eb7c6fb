import CPlatform
import Glibc

private let dontWait = Int32(MSG_DONTWAIT)
private let sendFlags = Int32(MSG_NOSIGNAL) | dontWait

/// One connected stream socket: receive and send without surprises.
///
/// Does not own the descriptor, since closing it has to be agreed with who may shut it down from another thread.
package struct Socket: Sendable {
    package let descriptor: Int32

    /// What came of receiving.
    package enum Received: Equatable {
        case bytes(Int)
        case closed
    }

    /// What came of sending.
    package enum Sent: Equatable {
        case all
        case timedOut
        case closed
    }

    /// Waits for bytes.
    package func receive(into space: UnsafeMutableRawBufferPointer) -> Received {
        while true {
            let count = recv(descriptor, space.baseAddress, space.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 || errno != EINTR { return .closed }
        }
    }

    /// The same without waiting; nil where nothing has come.
    package func receiveWhatCame(into space: UnsafeMutableRawBufferPointer) -> Received? {
        while true {
            let count = recv(descriptor, space.baseAddress, space.count, dontWait)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .closed }
            if errno != EINTR { return errno == EAGAIN ? nil : .closed }
        }
    }

    /// Acknowledges what has come over TCP: the peer may be waiting for it to send more.
    ///
    /// An even number lets Linux acknowledge late again afterwards, so that the peer's next lines come together as well.
    package func acknowledge() { setOption(descriptor, level: Int32(IPPROTO_TCP), TCP_QUICKACK, 2) }

    /// Tells the peer that nothing more is sent.
    package func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Sends everything, or gives up when the peer has left it unread for `timeout` altogether.
    ///
    /// Usually one system call and no look at the clock.
    package func send(_ bytes: UnsafeRawBufferPointer, timeout: Duration) -> Sent {
        let sent = Glibc.send(descriptor, bytes.baseAddress, bytes.count, sendFlags)
        return sent == bytes.count ? .all : sendRest(of: bytes, from: max(sent, 0), timeout: timeout)
    }

    /// By itself: memory for the clock's instants, whose size is known at run time only, is for who waits.
    @inline(never)
    private func sendRest(of bytes: UnsafeRawBufferPointer, from start: Int, timeout: Duration) -> Sent {
        var sent = start
        var deadline: ContinuousClock.Instant?
        while sent < bytes.count {
            let count = Glibc.send(descriptor, bytes.baseAddress! + sent, bytes.count - sent, sendFlags)
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                let end = deadline ?? ContinuousClock.now + timeout
                deadline = end
                guard wait(for: Int16(POLLOUT), until: end) else { return .timedOut }
            } else if errno != EINTR {
                return .closed
            }
        }
        return .all
    }

    /// Takes what the peer still sends and drops it, so that closing does not destroy a last reply on its way.
    package func linger(until deadline: ContinuousClock.Instant) {
        shutdown(descriptor, Int32(SHUT_WR))
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { scratch in
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            while poll(&entry, 1, milliseconds(until: deadline)) > 0, ContinuousClock.now < deadline {
                if recv(descriptor, scratch.baseAddress, scratch.count, dontWait) <= 0 { return }
            }
        }
    }

    /// Waits until the peer sends no more; what it has sent before wakes nobody.
    package func waitForClosing(until deadline: ContinuousClock.Instant) {
        _ = wait(for: Self.closing, until: deadline)
    }

    /// poll(2)'s POLLRDHUP, which Swift's Glibc does not have.
    private static let closing: Int16 = 0x2000

    /// False if the deadline has passed before.
    package func wait(for events: Int16, until deadline: ContinuousClock.Instant) -> Bool {
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        while true {
            let count = poll(&entry, 1, milliseconds(until: deadline))
            if count > 0 { return true }
            if count == 0 || errno != EINTR { return false }
        }
    }
}

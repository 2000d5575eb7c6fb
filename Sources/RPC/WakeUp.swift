import CPlatform
import Glibc

/// Wakes a thread that waits in poll(2).
final class WakeUp: Sendable {
    /// An eventfd; readable once `signal` has been called.
    let descriptor: Int32

    init?() {
        descriptor = platform_event()
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits for the next signal, at most until `deadline`; takes it.
    func wait(until deadline: ContinuousClock.Instant) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&entry, 1, milliseconds(until: deadline)) > 0 {
            var count: UInt64 = 0
            _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
        }
    }
}

/// What poll(2) takes: rounded up, so that it does not wake just before the deadline and spin; never negative.
func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
    let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
    return Int32(min(max(left.rounded(.up), 0), Double(Int32.max)))
}

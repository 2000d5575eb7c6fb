import CProgram

/// Milliseconds that only go forward.
enum Clock {
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// False if the time has come first.
    static func wait(for events: Int16, on descriptor: Int32, until end: Int64) -> Bool {
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        while true {
            let left = end - now
            guard left > 0 else { return false }
            let count = poll(&entry, 1, Int32(clamping: left))
            if count > 0 { return true }
            if count == 0 || !program_was_interrupted() { return false }
        }
    }
}

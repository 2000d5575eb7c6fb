import CPlatform
import Glibc

/// Starts a detached thread that receives no signals; 0 or an errno.
///
/// - Parameter stackSize: bytes. jansson parses recursively, and 32 levels need little of 1 MiB, of which only what is
///   touched is ever real.
func startThread(named name: String, stackSize: Int = 1 << 20, _ body: @escaping @Sendable () -> Void) -> Int32 {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackSize)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
    let code = withSignalsBlocked {
        var thread = pthread_t()
        return pthread_create(&thread, &attributes, runThread, start.toOpaque())
    }
    if code != 0 { start.release() }
    return code
}

private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    let start = Unmanaged<ThreadStart>.fromOpaque(argument!).takeRetainedValue()
    platform_name_thread(start.name)
    start.body()
    return nil
}

/// A new thread inherits the mask; signals are for the thread that waits for them.
private func withSignalsBlocked(_ body: () -> Int32) -> Int32 {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    return body()
}

import CProgram

/// Asks sipguardd over its Unix socket for a dialplan that called `AGI(sipguard-agi)`.
///
/// Asterisk speaks to it through standard input and output. Whatever goes wrong, no variable is set, the call goes on and
/// the exit code is 0. It sees the clock before every wait: Asterisk itself has no limit.
///
/// A call waits for it, so the release is built as Embedded Swift: starting Swift's runtime takes longer than all that is
/// done here. That knows one module only, so the folders AGI and Policy lead to the files of those modules.
@main enum SipguardAGI {
    private static let exchangeLimit: Int64 = 200
    private static let daemonLimit: Int64 = 50
    private static let defaultSocket: StaticString = "/run/sipguardd/ask.sock"

    static func main() {
        // Asterisk sends SIGHUP when the caller hangs up.
        program_ignore_hangups()
        // Beside the price of a new process that of a fact is nothing.
        var exchange = Exchange(nonce: Nonce.make(), facts: .all)
        run(&exchange, until: Clock.now + exchangeLimit)
    }

    private static func run(_ exchange: inout Exchange, until end: Int64) {
        // With more than 1024 bytes the runtime looks for the stack's bounds first, in /proc/self/maps.
        withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { space in
            while Clock.wait(for: Int16(POLLIN), on: 0, until: end) {
                let count = read(0, space.baseAddress, space.count)
                guard count > 0 else { return }
                var action = exchange.received(UnsafeRawBufferPointer(rebasing: space[..<count]))
                if case .decide(let request) = action {
                    let limit = min(end, Clock.now + daemonLimit)
                    guard let variables = Daemon(until: limit).ask(request, at: socketPath) else { return }
                    action = exchange.decided(variables)
                }
                switch action {
                case .receive, .decide: break
                case .end: return
                case .send(let bytes): guard write(1, bytes, bytes.count) == bytes.count else { return }
                case .sendLast(let bytes), .sendUntilClosed(let bytes):
                    guard write(1, bytes, bytes.count) == bytes.count else { return }
                    close(1)
                }
            }
        }
    }

    /// The dialplan's first argument, `AGI(sipguard-agi,/path)`, else the usual place.
    private static var socketPath: UnsafeBufferPointer<CChar> {
        guard let path = program_argument(1) else {
            return UnsafeRawBufferPointer(start: defaultSocket.utf8Start, count: defaultSocket.utf8CodeUnitCount)
                .assumingMemoryBound(to: CChar.self)
        }
        return UnsafeBufferPointer(start: path, count: strlen(path))
    }
}

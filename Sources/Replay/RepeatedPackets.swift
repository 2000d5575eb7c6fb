import Policy

/// Knows packets that the capture holds twice: on the loopback and on `any` a frame shows as it leaves and as it comes, and
/// a port that mirrors a switch shows it at each port that it passes.
///
/// A repeated packet is the same in all that a router leaves alone, and comes soon after the first. A sender that says the
/// same again numbers his packets (RFC 791 section 3.1), and over UDP waits for 500 ms (RFC 3261 section 17.1.1.1). Where
/// packets bear no number, as in IPv6, only what comes at once is a repetition: a flood of equal packets is to be counted.
///
/// TCP is not looked at, since its segments bear numbers of their own.
struct RepeatedPackets {
    static let most = 4096
    static let window = Duration.milliseconds(100)
    static let windowWithoutNumber = Duration.milliseconds(1)

    private var seen = BoundedTable<Int, Instant>(most: Self.most)
    private(set) var count = 0

    var held: Int { seen.count }

    /// Whether this packet is another one's repetition, and then counts it.
    mutating func isRepeated(_ packet: IPPacket, at now: Instant) -> Bool {
        let (print, window) = (Self.print(packet), packet.number == 0 ? Self.windowWithoutNumber : Self.window)
        if let before = seen[print], abs(now.microseconds - before.microseconds) <= window.microseconds {
            count += 1
            return true
        }
        seen[print] = now
        return false
    }

    /// Keyed by the process, so that nobody makes two of his packets look alike.
    private static func print(_ packet: IPPacket) -> Int {
        var hasher = Hasher()
        hasher.combine(packet.source)
        hasher.combine(packet.destination)
        hasher.combine(packet.number)
        hasher.combine(packet.fragment)
        hasher.combine(packet.payload.count)
        hasher.combine(bytes: UnsafeRawBufferPointer(packet.payload))
        return hasher.finalize()
    }
}

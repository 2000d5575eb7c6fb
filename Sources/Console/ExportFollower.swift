public import Policy

/// What has come and gone since the last look.
public struct ExportChange: Equatable, Sendable {
    public var removed: [Prefix] = []
    /// Also those that were there with another end: these stand in both.
    public var added: [ExportedBan] = []

    public var isEmpty: Bool { removed.isEmpty && added.isEmpty }
}

/// Remembers what was handed on, so that only what changes is handed on next.
public struct ExportFollower: Sendable {
    /// When each ends, in seconds on the caller's clock; nil: never.
    private var held: [Prefix: Int?] = [:]
    /// Two roundings to whole seconds, and the time between asking and telling.
    private static let slack = 3

    public init() {}

    /// The way from what was told last to `bans`.
    public mutating func change(to bans: [ExportedBan], now: Int) -> ExportChange {
        var (change, next) = (ExportChange(), [Prefix: Int?](minimumCapacity: bans.count))
        for ban in bans {
            let end = ban.remaining.map { now + $0 }
            next[ban.prefix] = .some(end)
            guard let known = held[ban.prefix] else {
                change.added.append(ban)
                continue
            }
            if Self.isSame(known, end) {
                // What the filter was told is what counts: many small steps must not go unseen.
                next[ban.prefix] = .some(known)
            } else {
                change.removed.append(ban.prefix)
                change.added.append(ban)
            }
        }
        change.removed += held.keys.filter { next[$0] == nil }
        change.removed.sort { ($0.first, $0.bits) < ($1.first, $1.bits) }
        held = next
        return change
    }

    /// Everything was told anew.
    public mutating func reset(to bans: [ExportedBan], now: Int) {
        held = [:]
        _ = change(to: bans, now: now)
    }

    private static func isSame(_ known: Int?, _ end: Int?) -> Bool {
        guard let known, let end else { return known == nil && end == nil }
        return abs(known - end) <= slack
    }
}

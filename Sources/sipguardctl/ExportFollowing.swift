import Console
import Glibc
import JSON

/// `export --follow`: looks again and again, and prints what has changed.
struct ExportFollowing {
    private let connection: ConnectionOptions
    private let format: ExportFormat
    private let interval: Duration
    private let resync: Duration
    private let start = ContinuousClock.now
    private var follower = ExportFollower()
    private var lastWhole: ContinuousClock.Instant?
    private var isCutOff = false
    private var noted: Set<String> = []

    init(_ connection: ConnectionOptions, _ format: ExportFormat, _ interval: Duration, _ resync: Duration) {
        (self.connection, self.format, self.interval, self.resync) = (connection, format, interval, resync)
    }

    /// Returns when nobody reads any longer. A daemon that is not there at the start is a mistake to be told at once;
    /// one that goes away later comes back, and what was printed holds meanwhile.
    mutating func run() throws {
        repeat {
            do {
                let list = try connection.exportList()
                if isCutOff { Terminal.note(["sipguardd answers again"]) }
                isCutOff = false
                note(list)
                guard print(list.bans) else { return }
            } catch let failure as Failure where lastWhole != nil {
                if !isCutOff { Terminal.note([failure.problem + "; what was exported stays, and it is tried again"]) }
                isCutOff = true
            }
        } while Terminal.isRead(for: interval)
    }

    private mutating func print(_ bans: [ExportedBan]) -> Bool {
        let now = ContinuousClock.now
        let second = Int((now - start).components.seconds)
        guard let lastWhole, now - lastWhole < resync else {
            lastWhole = now
            follower.reset(to: bans, now: second)
            return Terminal.put(format.whole(bans, isFollowed: true))
        }
        return Terminal.put(format.text(follower.change(to: bans, now: second), of: bans))
    }

    /// Each thing once, and a bounded number of them.
    private mutating func note(_ list: ExportList) {
        let new = list.notes.filter { !noted.contains($0) }.prefix(max(0, 1000 - noted.count))
        noted.formUnion(new)
        Terminal.note(Array(new))
    }
}

extension ConnectionOptions {
    /// All pages of `ban.list`. A list that changes while it is read is read again, three times at most: what slips
    /// through then is seen at the next look.
    func exportList() throws -> ExportList {
        var list = ExportList()
        for _ in 0..<3 {
            list = ExportList()
            if try readPages(into: &list) { break }
        }
        return list
    }

    /// Whether the list stayed as long as it was.
    private func readPages(into list: inout ExportList) throws -> Bool {
        var (offset, first): (Int64, JSONValue?) = (0, nil)
        // At most a million bans, which is more than any filter likes.
        while offset < 1_000_000 {
            let page = try ask("ban.list", ["proven": true, "offset": .int(offset), "limit": .int(pageSize)])
            guard let bans = page["bans"]?.array, let total = page["total"] else {
                throw Failure(.error, "the answer to ban.list is no list of bans")
            }
            for ban in bans { list.add(ban) }
            if let first, first != total { return false }
            first = total
            offset += Int64(bans.count)
            if bans.isEmpty || offset >= total.int64 ?? 0 { return true }
        }
        return true
    }

    /// The most that `ban.list` gives at once.
    private var pageSize: Int64 { 10_000 }
}

extension ExportList {
    /// What a person should know who wonders why a ban is not there.
    var notes: [String] {
        let held = protected.sorted { $0.key.description < $1.key.description }.prefix(100)
            .map { "\($0.key) is left to sipguardd: it holds \($0.value)" }
        return held + (unclear > 0 ? ["bans were left out that say too little; sipguardd may be older than this"] : [])
    }
}

extension Terminal {
    /// Whole, or not at all where nobody reads any longer.
    static func put(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno != EINTR { return false }
            rest = rest.dropFirst(max(0, count))
        }
        return true
    }

    /// Lines for standard error.
    static func note(_ lines: [String]) {
        let text = Array(lines.map { "sipguardctl: \($0.escapedForTerminal)\n" }.joined().utf8)
        _ = text.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Waits; false as soon as the reader of standard output is gone.
    static func isRead(for time: Duration) -> Bool {
        let deadline = ContinuousClock.now + time
        while true {
            let left = deadline - .now
            guard left > .zero else { return true }
            var standardOutput = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
            let seconds = Double(left.components.seconds) + Double(left.components.attoseconds) / 1e18
            if poll(&standardOutput, 1, Int32((seconds * 1000).rounded(.up))) > 0 { return false }
        }
    }
}

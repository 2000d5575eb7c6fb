import Policy

/// What Kamailio's table holds, and what is to be done that it holds the bans that there are.
struct PushedBans {
    /// One change of the table.
    enum Step: Equatable {
        /// A new entry, for so many seconds.
        case add(Prefix, seconds: Int)
        /// Another end for an entry, which keeps what it has counted.
        case prolong(Prefix, seconds: Int)
        case remove(Prefix)
    }

    private var wanted: [Prefix: Instant] = [:]
    private var taken: [Prefix: Instant] = [:]
    /// What may differ between the two.
    private var open: Set<Prefix> = []
    /// For whom there is no room, so many at most: a later search finds the others.
    private var waiting: Set<Prefix> = []
    /// How many had to wait.
    private(set) var leftOut = 0
    let most: Int
    private let mostWaiting: Int

    init(most: Int, waiting: Int = 10_000) { (self.most, mostWaiting) = (most, waiting) }

    var count: Int { wanted.count }
    var isFull: Bool { wanted.count >= most }
    var hasWaiting: Bool { !waiting.isEmpty }
    /// Those that the table has.
    var there: [Prefix] { Array(taken.keys) }
    /// Those that are wanted, and then those for whom there was no room.
    var sources: [Prefix] { Array(wanted.keys) + waiting }

    /// Wants a ban until then; false if there is no room for one more.
    @discardableResult
    mutating func want(_ source: Prefix, until: Instant) -> Bool {
        guard wanted[source] != nil || !isFull else {
            if waiting.count < mostWaiting, waiting.insert(source).inserted { leftOut += 1 }
            return false
        }
        waiting.remove(source)
        if wanted.updateValue(until, forKey: source) != until { open.insert(source) }
        return true
    }

    mutating func drop(_ source: Prefix) {
        waiting.remove(source)
        if wanted.removeValue(forKey: source) != nil { open.insert(source) }
    }

    /// The table is empty: Kamailio has begun anew, or has been told to flush it.
    mutating func tableWasEmptied() {
        taken = [:]
        open = Set(wanted.keys)
    }

    /// The next things to do, at most so many.
    func steps(now: Instant, most: Int = 256) -> [Step] {
        open.prefix(most).map { source in
            guard let until = wanted[source], until > now else { return .remove(source) }
            let seconds = max(1, (until - now).secondsRoundedUp)
            if let end = taken[source], end > now { return .prolong(source, seconds: seconds) }
            return .add(source, seconds: seconds)
        }
    }

    mutating func wasTaken(_ step: Step) {
        switch step {
        case .add(let source, _), .prolong(let source, _):
            taken[source] = wanted[source]
            open.remove(source)
        case .remove(let source):
            taken[source] = nil
            wanted[source] = nil
            open.remove(source)
        }
    }
}

import Policy

/// Who acts next: a binary heap by time, and among equals by the order in which they were added.
struct Agenda {
    private var entries: [(instant: Instant, order: Int, device: Int)] = []
    private var added = 0

    mutating func add(_ instant: Instant, _ device: Int) {
        entries.append((instant, added, device))
        added += 1
        var child = entries.count - 1
        while child > 0, case let parent = (child - 1) / 2, isBefore(child, parent) {
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func next() -> (instant: Instant, device: Int)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return (first.instant, first.device)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && isBefore(child, least) {
                least = child
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (entries[left].instant, entries[left].order) < (entries[right].instant, entries[right].order)
    }
}

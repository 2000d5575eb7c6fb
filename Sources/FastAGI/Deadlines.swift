/// When an exchange must be over: each step has the limit, and all of them together have it too.
struct Deadlines {
    let end: ContinuousClock.Instant
    private let limit: Duration
    /// Of the first step.
    let first: ContinuousClock.Instant

    /// - Parameter step: how long one step may take; as long as the whole unless said otherwise.
    init(begun: ContinuousClock.Instant, limit: Duration, step: Duration? = nil) {
        self.limit = step ?? limit
        end = begun + limit
        first = min(end, begun + self.limit)
    }

    /// Of a step that begins now.
    func next(after now: ContinuousClock.Instant) -> ContinuousClock.Instant { min(end, now + limit) }

    func hasPassed(at now: ContinuousClock.Instant) -> Bool { now >= end }
}

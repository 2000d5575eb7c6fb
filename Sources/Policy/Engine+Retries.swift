extension Engine {
    /// Counts a Call-ID with which a source has not tried this user yet, unless it is the source's first.
    func meterRetry(
        _ rule: LimitRule, _ attempt: CounterKey, _ key: CounterKey, _ limit: RateLimit, _ now: Instant
    ) -> RateLimit.Outcome {
        var first = attempt
        first.member = .present
        let hasTried = store.remember(first, for: rule.memory, now: now)
        let isRetry = hasTried && !store.remembers(attempt, now: now)
        let outcome = isRetry ? count(attempt, rule, key, limit, now) : .conforms
        if outcome == .conforms { _ = store.remember(attempt, for: rule.memory, now: now) }
        return outcome
    }

    /// Retries count each, sources that retry once.
    private func count(
        _ attempt: CounterKey, _ rule: LimitRule, _ key: CounterKey, _ limit: RateLimit, _ now: Instant
    ) -> RateLimit.Outcome {
        let set = set(of: attempt, key, rule)
        guard rule.event == .sourcesRetried else { return store.take(set, limit: limit, count: 1, now: now) }
        var source = attempt
        (source.subject, source.member) = (.present, .present)
        let outcome =
            store.remembers(source, now: now) ? .conforms : store.take(set, limit: limit, count: 1, now: now)
        if outcome == .conforms { _ = store.remember(source, for: rule.memory, now: now) }
        return outcome
    }
}

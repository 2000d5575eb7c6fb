import JSON
import Policy
import RPC

/// What is known of feeds.
extension GuardSession {
    func listFeeds(_ result: inout JSONWriter) {
        let now = Clock.now
        let feeds = state.publisher.settled { state.feedRules.map { value($0, now) } }
        result.beginObject()
        result.member("feeds", .array(feeds))
        result.endObject()
    }

    private func value(_ rule: FeedRule, _ now: Instant) -> JSONValue {
        let status = state.feedLists.status(of: rule)
        func time(_ instant: Instant?) -> JSONValue { instant.map { .string(Clock.text(of: $0)) } ?? .null }
        func age(_ instant: Instant?) -> JSONValue {
            instant.map { .int(max(0, (now - $0).microseconds / 1_000_000)) } ?? .null
        }
        return [
            "name": .string(rule.name), "list": .string(rule.list.rawValue), "source": .string(rule.origin.description),
            "format": .string(rule.origin.format.rawValue), "weight": .int(Int64(rule.mark.weight)),
            "mode": .string(rule.mark.mode.rawValue), "entries": .int(Int64(status?.content?.prefixes.count ?? 0)),
            "bad_lines": .int(Int64(status?.content?.badCount ?? 0)),
            "first_bad_lines": .array((status?.content?.badLines ?? []).map { .int(Int64($0)) }),
            "loaded_at": time(status?.loadedAt), "confirmed_at": time(status?.confirmedAt),
            "age_seconds": age(status?.confirmedAt), "error": status?.problem.map { .string($0) } ?? .null,
            "next_try": time(status?.nextTry),
        ]
    }

    func refreshFeeds(_ result: inout JSONWriter) {
        state.feedRefreshCount.add(1, ordering: .relaxed)
        result.beginObject()
        result.member("feeds", snapshot().engine.ruleset.feeds.count)
        result.endObject()
    }
}

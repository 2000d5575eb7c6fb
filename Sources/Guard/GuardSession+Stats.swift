import JSON
import Policy
import RPC
import State

/// Totals since the start.
extension GuardSession {
    func showStats(_ result: inout JSONWriter) {
        let snapshot = snapshot()
        let totals = state.totals
        result.beginObject()
        result.member("version", state.version)
        result.member("uptime_seconds", (Clock.now - state.startedAt).microseconds / 1_000_000)
        result.member("requests", requests)
        result.member("reports", .object(reports))
        result.member("floods", floods)
        result.member("incidents", incidents)
        result.member("rules", Self.object(snapshot.hits.byLimit))
        result.member("signatures", Self.object(snapshot.hits.bySignature))
        result.member(
            "answers",
            [
                "source_budget_spent": Self.number(totals.sourceBudgetSpent.load(ordering: .relaxed)),
                "total_budget_spent": Self.number(totals.totalBudgetSpent.load(ordering: .relaxed)),
            ])
        result.member("listeners", .array(state.listenerReports.map(Self.value)))
        result.member("tables", tables)
        result.member("never_matched", .array(snapshot.hits.neverMatched.map { .string($0) }))
        result.member("alarms", .array(state.alarms.raised.map(Self.value)))
        result.member("failed_open", Self.object(state.alarms.unasked.map { ($0.node, $0.count) }))
        result.member("policy", policy(snapshot))
        result.member("errors", errors)
        result.endObject()
    }

    static func number(_ value: UInt64) -> JSONValue { .int(Int64(clamping: value)) }

    private static func object(_ counts: [(String, UInt64)]) -> JSONValue {
        var object = JSONObject()
        for (name, count) in counts { object[name] = number(count) }
        return .object(object)
    }

    private var requests: JSONValue {
        let totals = state.totals
        let counts = [Verdict.pass, .reject, .ok200, .drop].map(totals.count)
        return [
            "total": Self.number(counts.reduce(0, &+)), "pass": Self.number(counts[0]),
            "reject": Self.number(counts[1]),
            "ok200": Self.number(counts[2]), "drop": Self.number(counts[3]),
            "shadow": Self.number(totals.shadow),
        ]
    }

    private static func value(_ alarm: Alarm) -> JSONValue {
        [
            "alarm": .string(alarm.name), "subject": alarm.subject.isEmpty ? .null : .string(alarm.subject),
            "since": .string(Clock.text(of: alarm.since)), "problem": .string(alarm.problem),
        ]
    }

    private var reports: JSONObject {
        var reports = JSONObject()
        for outcome in Outcome.allCases { reports[outcome.rawValue] = Self.number(state.totals.count(of: outcome)) }
        return reports
    }

    private var floods: JSONValue {
        let ended = state.totals.floods.withLock { $0 }
        return [
            "seen": Self.number(state.totals.floodsSeen.load(ordering: .relaxed)),
            "stopped": Self.number(ended.stopped),
            "banned": Self.number(state.totals.banned.load(ordering: .relaxed)),
            "median_answers": ended.medianAnswers.map { .int(Int64($0)) } ?? .null,
        ]
    }

    private static func value(_ report: ListenerReport) -> JSONValue {
        var errors = JSONObject()
        for (code, count) in report.counters.errors.sorted(by: { $0.key > $1.key }) {
            errors["\(code)"] = number(count)
        }
        var object: JSONObject = [
            "name": .string(report.name), "role": .string(report.role.rawValue),
            "open": number(report.counters.open), "accepted": number(report.counters.accepted),
            "refused": number(report.counters.refused), "accept_failures": number(report.counters.acceptFailures),
            "requests": number(report.counters.requests), "notifications": number(report.counters.notifications),
            "slow_peers": number(report.counters.slowPeers), "bytes_received": number(report.counters.bytesReceived),
            "bytes_sent": number(report.counters.bytesSent), "errors": .object(errors),
        ]
        if !report.counters.incidents.isEmpty {
            object["incidents"] = self.object(report.counters.incidents.sorted { $0.key < $1.key }.map { ($0, $1) })
        }
        return .object(object)
    }

    private var tables: JSONValue {
        let (sources, counters, entries) = (state.sources.usage, state.counters.usage, state.lists.current)
        return [
            "sources": [
                "used": .int(Int64(sources.used)), "capacity": .int(Int64(sources.capacity)),
                "evictions": Self.number(sources.evictions), "overflows": Self.number(sources.overflows),
            ],
            "counters": ["capacity": .int(Int64(counters.capacity)), "evictions": Self.number(counters.evictions)],
            "bans": .int(Int64(entries.banned.count)), "allowed": .int(Int64(entries.allowed.count)),
        ]
    }

    private func policy(_ snapshot: Snapshot) -> JSONValue {
        [
            "path": snapshot.policy.path.map { .string($0) } ?? .null,
            "mode": .string(snapshot.engine.ruleset.mode.rawValue),
            "loaded_at": .string(Clock.text(of: snapshot.policy.loadedAt)),
            "reloads": Self.number(state.totals.reloads.load(ordering: .relaxed)),
            "failed_reloads": Self.number(state.totals.failedReloads.load(ordering: .relaxed)),
        ]
    }

    private var errors: JSONValue {
        var errors: JSONObject = [
            "unreadable_messages": Self.number(state.totals.unreadable.load(ordering: .relaxed)),
            "state_not_saved": state.stateFile?.problem.map { .string($0) } ?? .null,
        ]
        for (name, count) in state.otherErrors { errors[name] = .int(Int64(count)) }
        return .object(errors)
    }
}

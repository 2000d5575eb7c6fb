public import JSON

/// `stats.get` as metrics in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/), which
/// node_exporter's textfile collector takes as well. What a daemon does not tell is left out.
public struct Exposition {
    public private(set) var text = ""

    private typealias Label = (name: String, value: String)
    private typealias Sample = (labels: [Label], value: JSONValue?)

    public init(_ stats: JSONValue) {
        gauge("build_info", "The version; always 1.", [([("version", stats["version"].string ?? "")], .int(1))])
        gauge("uptime_seconds", "Since the start.", [([], stats["uptime_seconds"])])
        addRequests(stats)
        addAttacks(stats)
        addListeners(stats["listeners"].elements)
        addTables(stats["tables"] ?? .null)
        addTroubles(stats)
    }

    private mutating func addRequests(_ stats: JSONValue) {
        let requests = stats["requests"].members.filter { !["total", "shadow"].contains($0.key) }
        counter("requests_total", "Requests by verdict.", Self.each(requests, "verdict"))
        counter(
            "shadow_requests_total", "Requests that rules in shadow mode would have answered otherwise.",
            [([], stats["requests"]?["shadow"])])
        counter("reports_total", "What became of requests.", Self.each(stats["reports"].members, "outcome"))
        counter("rule_hits_total", "Requests over a limit.", Self.each(stats["rules"].members, "rule"))
        counter("signature_hits_total", "Marks seen.", Self.each(stats["signatures"].members, "signature"))
        let unasked = Self.each(stats["failed_open"].members, "node")
        counter("failed_open_total", "Requests that proxies let pass unasked.", unasked)
    }

    private mutating func addAttacks(_ stats: JSONValue) {
        counter("floods_total", "Attacks by one source.", [([], stats["floods"]?["seen"])])
        counter("floods_stopped_total", "Those of them that are over.", [([], stats["floods"]?["stopped"])])
        counter("bans_total", "Sources banned by rules.", [([], stats["floods"]?["banned"])])
        counter("incidents_total", "Attacks that sources share in.", [([], stats["incidents"]?["seen"])])
        gauge("incidents_active", "Those of them that go on.", [([], stats["incidents"]?["active"])])
        counter(
            "answer_budget_spent_total", "Answers kept back by a budget.",
            [
                ([("budget", "source")], stats["answers"]?["source_budget_spent"]),
                ([("budget", "total")], stats["answers"]?["total_budget_spent"]),
            ])
    }

    private mutating func addListeners(_ listeners: [JSONValue]) {
        func each(_ member: String) -> [Sample] {
            listeners.map { ([("listener", $0["name"].string ?? "")], $0[member]) }
        }
        func each(_ member: String, by label: String) -> [Sample] {
            listeners.flatMap { listener in
                Self.each(listener[member].members, label, [("listener", listener["name"].string ?? "")])
            }
        }
        gauge("listener_connections", "Open connections.", each("open"))
        counter("listener_accepted_total", "Connections taken.", each("accepted"))
        counter("listener_refused_total", "Connections refused.", each("refused"))
        counter("listener_requests_total", "Calls answered.", each("requests"))
        counter("listener_slow_peers_total", "Peers that did not take their replies.", each("slow_peers"))
        counter("listener_errors_total", "Error replies by code.", each("errors", by: "code"))
        counter("listener_incidents_total", "What went wrong on a listener.", each("incidents", by: "incident"))
    }

    private mutating func addTables(_ tables: JSONValue) {
        func each(_ member: String) -> [Sample] {
            tables.members.filter { !$0.value.isScalar }.map { ([("table", $0.key)], $0.value[member]) }
        }
        gauge("table_entries", "Entries in use.", each("used"))
        gauge("table_capacity", "Entries at most.", each("capacity"))
        counter("table_evictions_total", "Entries that gave way to newer ones.", each("evictions"))
        gauge("list_entries", "Entries set by hand.", Self.each(tables.members.filter(\.value.isScalar), "list"))
    }

    private mutating func addTroubles(_ stats: JSONValue) {
        gauge(
            "alarm", "1 for each alarm that stands.",
            stats["alarms"].elements.map { alarm in
                ([("alarm", alarm["alarm"].string ?? ""), ("subject", alarm["subject"].string ?? "")], .int(1))
            })
        counter("policy_reloads_total", "Policies taken.", [([], stats["policy"]?["reloads"])])
        counter("policy_failed_reloads_total", "Policies refused.", [([], stats["policy"]?["failed_reloads"])])
        let errors = stats["errors"].members.filter { $0.value.integer != nil }
        counter("errors_total", "What went wrong, by kind.", Self.each(errors, "error"))
    }

    private static func each(_ members: [JSONObject.Member], _ label: String, _ before: [Label] = []) -> [Sample] {
        members.map { (before + [(label, $0.key)], $0.value) }
    }
}

extension Exposition {
    private mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
        add(name, "counter", help, samples)
    }

    private mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
        add(name, "gauge", help, samples)
    }

    private mutating func add(_ name: String, _ kind: String, _ help: String, _ samples: [Sample]) {
        let lines = samples.compactMap { sample in
            sample.value?.integer.map { "sipguardd_\(name)\(Self.text(of: sample.labels)) \($0)\n" }
        }
        guard !lines.isEmpty else { return }
        text += "# HELP sipguardd_\(name) \(help)\n# TYPE sipguardd_\(name) \(kind)\n" + lines.joined()
    }

    private static func text(of labels: [Label]) -> String {
        if labels.isEmpty { return "" }
        return "{" + labels.map { #"\#($0.name)="\#(escaped($0.value))""# }.joined(separator: ",") + "}"
    }

    /// A node's name is what a proxy says: it must hijack neither the format nor a terminal.
    private static func escaped(_ value: String) -> String {
        value.escapedForTerminal.replacing(#"\"#, with: #"\\"#).replacing("\"", with: "\\\"")
    }
}

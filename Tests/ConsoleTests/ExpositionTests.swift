import JSON
import Testing

@testable import Console

@Suite struct ExpositionTests {
    private func exposed(_ stats: String) throws -> String { Exposition(try JSONValue(parsing: stats)).text }

    @Test("each kind of count is a family with its help, type and labels") func families() throws {
        let text = try exposed(
            """
            {"version":"0.1.0","uptime_seconds":61,"requests":{"total":2000,"pass":1900,"drop":100,"shadow":3},
            "listeners":[{"name":"ask","open":4,"errors":{}},{"name":"admin","open":1,"errors":{"-32602":2}}],
            "tables":{"sources":{"used":7,"capacity":186368,"evictions":0},"bans":2},
            "errors":{"unreadable_messages":5,"state_not_saved":null}}
            """)
        #expect(
            text == """
                # HELP sipguardd_build_info The version; always 1.
                # TYPE sipguardd_build_info gauge
                sipguardd_build_info{version="0.1.0"} 1
                # HELP sipguardd_uptime_seconds Since the start.
                # TYPE sipguardd_uptime_seconds gauge
                sipguardd_uptime_seconds 61
                # HELP sipguardd_requests_total Requests by verdict.
                # TYPE sipguardd_requests_total counter
                sipguardd_requests_total{verdict="pass"} 1900
                sipguardd_requests_total{verdict="drop"} 100
                # HELP sipguardd_shadow_requests_total Requests that rules in shadow mode would have answered otherwise.
                # TYPE sipguardd_shadow_requests_total counter
                sipguardd_shadow_requests_total 3
                # HELP sipguardd_listener_connections Open connections.
                # TYPE sipguardd_listener_connections gauge
                sipguardd_listener_connections{listener="ask"} 4
                sipguardd_listener_connections{listener="admin"} 1
                # HELP sipguardd_listener_errors_total Error replies by code.
                # TYPE sipguardd_listener_errors_total counter
                sipguardd_listener_errors_total{listener="admin",code="-32602"} 2
                # HELP sipguardd_table_entries Entries in use.
                # TYPE sipguardd_table_entries gauge
                sipguardd_table_entries{table="sources"} 7
                # HELP sipguardd_table_capacity Entries at most.
                # TYPE sipguardd_table_capacity gauge
                sipguardd_table_capacity{table="sources"} 186368
                # HELP sipguardd_table_evictions_total Entries that gave way to newer ones.
                # TYPE sipguardd_table_evictions_total counter
                sipguardd_table_evictions_total{table="sources"} 0
                # HELP sipguardd_list_entries Entries set by hand.
                # TYPE sipguardd_list_entries gauge
                sipguardd_list_entries{list="bans"} 2
                # HELP sipguardd_errors_total What went wrong, by kind.
                # TYPE sipguardd_errors_total counter
                sipguardd_errors_total{error="unreadable_messages"} 5

                """)
    }

    @Test("an alarm stands as 1, and what a proxy calls itself breaks no line") func labels() throws {
        let text = try exposed(
            #"""
            {"alarms":[{"alarm":"fails-open","subject":"a\"b\\c\nd\u001b[2J"}],"failed_open":{"x\"} 1\ny":3}}
            """#)
        #expect(text.contains(#"sipguardd_alarm{alarm="fails-open",subject="a\"b\\\\c\\x0ad\\x1b[2J"} 1"# + "\n"))
        #expect(text.contains(#"sipguardd_failed_open_total{node="x\"} 1\\x0ay"} 3"# + "\n"))
        #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix("#") || $0.hasPrefix("sipguardd_") })
    }

    @Test("what a daemon does not tell is left out") func unknown() throws {
        let text = try exposed("{}")
        #expect(text.split(separator: "\n").count { !$0.hasPrefix("#") } == 1)
    }
}

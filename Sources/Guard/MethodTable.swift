import JSON
import RPC

/// The methods of the contract: name, role, what they are for and their parameters. `rpc.discover` and the role check
/// both read this table.
struct MethodTable {
    struct Parameter {
        let name: String
        let schema: JSONValue
        let isNeeded: Bool
        let summary: String

        init(_ name: String, _ schema: JSONValue, needed: Bool = false, _ summary: String) {
            (self.name, self.schema, isNeeded, self.summary) = (name, schema, needed, summary)
        }
    }

    struct Entry {
        let name: StaticString
        let role: Role
        let summary: String
        let parameters: [Parameter]
    }

    static func role(of method: MethodName) -> Role? {
        for entry in all where method == entry.name { return entry.role }
        return nil
    }

    /// Hot ones first: the table is searched from the front.
    static let all: [Entry] = [
        Entry(
            name: "guard.check", role: .ask, summary: "One SIP request's facts in, a verdict out", parameters: request),
        Entry(name: "guard.report", role: .ask, summary: "What became of a request", parameters: report),
        Entry(name: "daemon.ping", role: .ask, summary: "Whether the daemon is alive", parameters: []),
        Entry(name: "daemon.version", role: .ask, summary: "What the daemon is", parameters: []),
        Entry(
            name: "source.show", role: .read, summary: "All that is known of a source",
            parameters: [
                source, Parameter("user", text, "whose counters to show as well"),
                Parameter("user_agent", text, "the same for limits on User-Agents"),
                Parameter("node", text, "the same for limits on proxies"),
                Parameter("number", text, "the same for limits on the digits in front of a dialled number"),
            ]),
        Entry(
            name: "source.forget", role: .admin, summary: "Clears a source's counters, treatment, trust and ban",
            parameters: [source]),
        Entry(
            name: "ban.list", role: .read, summary: "The banned sources",
            parameters: page + [Parameter("proven", ["type": "boolean"], "only those with proof of the return path")]),
        Entry(
            name: "ban.add", role: .admin, summary: "Bans an address or network",
            parameters: entry + [
                Parameter("force", ["type": "boolean"], "even if it is a protected address"),
                Parameter("client", text, "the address that the person who bans works from"),
            ]),
        Entry(name: "ban.remove", role: .admin, summary: "Ends a ban", parameters: [address]),
        Entry(name: "allow.list", role: .read, summary: "The allow list", parameters: page),
        Entry(
            name: "allow.add", role: .admin, summary: "Lets everything from an address or network pass",
            parameters: named(entry)),
        Entry(
            name: "allow.remove", role: .admin, summary: "Takes an entry from the allow list",
            parameters: named([address])),
        Entry(name: "feed.list", role: .read, summary: "The policy's feeds and what they hold", parameters: []),
        Entry(name: "feed.refresh", role: .admin, summary: "Gets all feeds anew, soon", parameters: []),
        Entry(
            name: "incident.list", role: .read, summary: "The attacks of late, the newest first",
            parameters: page + [Parameter("active", ["type": "boolean"], "only those that are not silent")]),
        Entry(
            name: "incident.show", role: .read, summary: "One attack, with its sources",
            parameters: [Parameter("incident", text, needed: true, "its id")]),
        Entry(name: "stats.get", role: .read, summary: "Totals since the start", parameters: []),
        Entry(
            name: "stats.top", role: .read, summary: "The loudest sources",
            parameters: [
                Parameter("by", ["type": "string", "enum": ["requests", "answers", "failures"]], "what to sort by"),
                Parameter("limit", ["type": "integer", "minimum": 1, "maximum": 100], "how many, 10 by default"),
            ]),
        Entry(name: "policy.show", role: .read, summary: "The running policy", parameters: []),
        Entry(
            name: "policy.test", role: .read, summary: "How a request would be decided, step by step; changes nothing",
            parameters: [
                Parameter("request", ["type": "object"], needed: true, "the params of guard.check"),
                Parameter("policy", ["type": "string"], "a policy file's text instead of the running policy"),
            ]),
        Entry(name: "policy.reload", role: .admin, summary: "Reads the policy file again", parameters: []),
        Entry(name: "rpc.discover", role: .read, summary: "This document", parameters: []),
    ]

    private static let text: JSONValue = ["type": "string"]
    private static let integer: JSONValue = ["type": "integer"]

    private static let request: [Parameter] =
        [
            Parameter("source_ip", text, needed: true, "the transport's peer address"),
            Parameter("message", text, "the start line and header block as received"),
            Parameter(
                "transport", ["type": "string", "enum": ["udp", "tcp", "tls", "ws", "wss", "sctp"]], "how it came"),
            Parameter("auth_nonce_valid", ["type": "boolean"], "whether the digest answered a nonce of ours"),
            Parameter(
                "count", ["type": "integer", "minimum": 1, "maximum": 1_000_000], "how many requests this stands for"),
        ]
        + ["source_port", "local_port", "cseq", "max_forwards", "length"].map {
            Parameter($0, integer, "as in the request")
        }
        + RequestParams.names.map { Parameter("\($0.1)", text, "as in the request") }
        + [
            Parameter("local_ip", text, "the address that was hit"),
            Parameter("failed_open", integer, "requests that passed without an answer since this was last told"),
        ]

    private static let report: [Parameter] = [
        Parameter("source_ip", text, needed: true, "the transport's peer address"),
        Parameter(
            "outcome",
            [
                "type": "string",
                "enum": ["auth_ok", "auth_failed", "unknown_user", "challenged", "accepted", "rejected", "dropped"],
            ], needed: true, "what became of the request"),
        Parameter("user", text, "the user that was tried"),
        Parameter("from_user", text, "the user in From, where that may be another"),
        Parameter(
            "count", ["type": "integer", "minimum": 1, "maximum": 1_000_000], "how many requests this stands for"),
        Parameter("transport", text, "how it came"), Parameter("method", text, "the SIP method"),
        Parameter("call_id", text, "the Call-ID"),
        Parameter("auth_nonce_valid", ["type": "boolean"], "whether the digest answered a nonce of ours"),
    ]

    private static let source = Parameter("source", text, needed: true, "an address")
    private static let address = Parameter("address", text, needed: true, "an address or prefix")
    /// Parameters with a name in the place of the address.
    private static func named(_ entry: [Parameter]) -> [Parameter] {
        [
            Parameter("address", text, "an address or prefix; this or name is needed"),
            Parameter("name", text, "a DNS name instead, whose addresses are looked up"),
        ] + entry.dropFirst()
    }

    private static let page = [
        Parameter("offset", integer, "how many to leave out, 0 by default"),
        Parameter("limit", ["type": "integer", "minimum": 1, "maximum": 10_000], "how many, 1000 by default"),
    ]
    private static let entry = [
        address,
        Parameter("duration", ["type": ["string", "integer"]], "seconds or a text such as 1h; absent: until removed"),
        Parameter("comment", text, "why"), Parameter("by", text, "who"),
    ]
}

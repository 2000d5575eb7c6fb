import JSON
import Policy
import RPC
import State

/// The daemon's methods, for any number of connections.
public final class GuardService: RPCService {
    private let state: GuardState

    public init(state: GuardState) { self.state = state }

    public func role(of method: MethodName) -> Role? { MethodTable.role(of: method) }

    public func session(for caller: Caller) -> any RPCSession { GuardSession(state: state, caller: caller) }
}

/// The daemon's methods as one connection calls them; used by that connection's thread only.
final class GuardSession: RPCSession {
    let state: GuardState
    let caller: Caller
    let decider: Decider
    /// For the strings of the request at hand.
    let scratch = Scratch()
    let names = PlainNames()

    init(state: GuardState, caller: Caller) {
        (self.state, self.caller) = (state, caller)
        decider = Decider(state)
    }

    deinit { names.deallocate() }

    /// The policy and lists of this moment.
    func snapshot() -> Snapshot { decider.snapshot() }

    func call(_ method: MethodName, params: JSONView?, result: inout JSONWriter) throws(RPCError) {
        switch method {
        case "guard.check": try check(params, &result)
        case "guard.report": try report(params, &result)
        case "daemon.ping": ping(&result)
        case "daemon.version": describe(&result)
        case "source.show": try showSource(Params(params), &result)
        case "source.forget": try forgetSource(Params(params), &result)
        case "ban.list": try listBans(Params(params), &result)
        case "ban.add": try addBan(Params(params), &result)
        case "ban.remove": try removeBan(Params(params), &result)
        case "allow.list": try listAllowed(Params(params), &result)
        case "allow.add": try addAllowed(Params(params), &result)
        case "allow.remove": try removeAllowed(Params(params), &result)
        case "incident.list": try listIncidents(Params(params), &result)
        case "incident.show": try showIncident(Params(params), &result)
        case "feed.list": listFeeds(&result)
        case "feed.refresh": refreshFeeds(&result)
        case "stats.get": showStats(&result)
        case "stats.top": try showTop(Params(params), &result)
        case "policy.show": showPolicy(&result)
        case "policy.test": try testPolicy(Params(params), &result)
        case "policy.reload": try reloadPolicy(&result)
        case "rpc.discover": result.value(OpenRPC.document(version: state.version))
        default: throw RPCError(.methodNotFound)
        }
    }

    func isGivingWay() { state.decisionLog?.keepTurnShort() }

    private func ping(_ result: inout JSONWriter) {
        result.beginObject()
        result.member("pong", true)
        result.member("uptime_seconds", (Clock.now - state.startedAt).microseconds / 1_000_000)
        result.endObject()
    }

    private func describe(_ result: inout JSONWriter) {
        result.beginObject()
        result.member("name", "sipguardd")
        result.member("version", state.version)
        result.member("protocol", 1)
        result.endObject()
    }
}

/// Memory of one connection that is used for each request anew.
package final class Scratch {
    private var memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 4096)

    package init() {}

    deinit { memory.deallocate() }

    /// Memory for that many bytes; what it held before is lost.
    package func bytes(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        if count > memory.count {
            memory.deallocate()
            memory = .allocate(capacity: count)
        }
        return memory.baseAddress!
    }
}

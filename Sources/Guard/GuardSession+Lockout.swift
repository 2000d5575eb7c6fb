import JSON
import Policy
import RPC

/// Nobody locks out this machine, a proxy, an allowed address, the whole Internet or himself by mistake.
extension GuardSession {
    /// Throws what a ban of this network would hurt, and why it is refused without force.
    func refuseLockout(by prefix: Prefix, _ params: Params) throws(RPCError) {
        let found = snapshot().addresses.protection(within: prefix, now: Clock.now)
        if let (standing, who) = found {
            throw Self.protected(prefix, standing.rawValue, "\(who), \(Self.name(standing)), is in it")
        }
        if let own = try callers(params).first(where: prefix.contains) {
            throw Self.protected(prefix, "caller", "\(own), from which you call, is in it")
        }
        if prefix.isVeryWide {
            throw Self.protected(prefix, "wide", "it is so wide that it bans customers as well")
        }
    }

    /// Where the caller sits: the peer of a TCP connection, and what the client says of the person before it.
    private func callers(_ params: Params) throws(RPCError) -> [IPAddress] {
        var callers: [IPAddress] = []
        if case .address(let text, _) = caller.peer, let address = IPAddress(text) { callers.append(address) }
        if let client = params.view("client"), !client.isNull {
            callers.append(try RequestParams.address("client", client))
        }
        return callers
    }

    private static func name(_ standing: Standing) -> String {
        switch standing {
        case .own: "an address of this machine"
        case .trustedProxy: "a trusted proxy"
        case .allow: "an allowed address"
        case .stranger: "nobody's"
        }
    }

    private static func protected(_ prefix: Prefix, _ standing: String, _ why: String) -> RPCError {
        RPCError(
            code: RPCErrorCode.protectedAddress, message: "Protected address",
            data: [
                "address": .string(prefix.description), "protected": .string(standing),
                "problem": .string("\(why); with force it is banned all the same"),
            ])
    }
}

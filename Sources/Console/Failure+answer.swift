import JSON

extension Failure {
    /// An error that the daemon answered (docs/protocol.md, Errors).
    public static func answered(code: Int, message: String, data: JSONValue?, method: String, endpoint: String) -> Self
    {
        let problem = data?["problem"].string
        switch code {
        case -32001:
            return Failure(
                .error, "too many connections on \(endpoint)", advice: ["Try again, or raise the listener's limit."])
        case -32002:
            return Failure(.error, "the request is larger than sipguardd accepts", advice: problem.map { [$0] } ?? [])
        case -32003: return role(needed: data?["needs"].string ?? "a higher", method, endpoint)
        case -32010: return protected(data, problem: problem)
        case -32011: return badPolicy(data?["problems"].elements.map(\.words) ?? [])
        case -32012:
            return Failure(.error, "the list is full", advice: ["Remove what is no longer needed, or give durations."])
        case -32601:
            return Failure(
                .error, "sipguardd does not know \(method)",
                advice: ["It is older than this sipguardctl: sipguardctl version"])
        case -32602:
            let name = data?["param"].string.map { "\($0): " } ?? ""
            return Failure(.error, "sipguardd does not accept \(name)\(problem ?? message)")
        default: return Failure(.error, "sipguardd answered error \(code): \(problem ?? message)")
        }
    }

    private static func role(needed: String, _ method: String, _ endpoint: String) -> Self {
        Failure(
            .denied, "\(method) needs the role \(needed), which \(endpoint) does not have",
            advice: ["Use the admin socket: --socket /run/sipguardd/admin.sock (usually as root)."])
    }

    private static func protected(_ data: JSONValue?, problem: String?) -> Self {
        let address = data?["address"].string ?? "the address"
        let reason =
            switch data?["protected"].string {
            case "own": "\(address) is an address of this machine"
            case "trusted_proxy": "\(address) is a trusted proxy"
            case "allow": "\(address) is on the allow list"
            case "caller": "\(address) is where you are connected from"
            default: "\(address) is protected"
            }
        return Failure(
            .error, "not banned: \(reason)",
            advice: (problem.map { [$0] } ?? []) + [
                "Banning it can lock out phones, trunks or yourself. If you mean it: repeat the command with --force."
            ])
    }

    /// Mistakes of a policy that the daemon was to load, one a line: `file:line: where: what`.
    static func badPolicy(_ problems: [String]) -> Self {
        let file = badFile(problems)
        return Failure(file.status, file.problem + "; the old policy stays", advice: problems)
    }

    /// Mistakes of a policy file.
    public static func badFile(_ problems: [String]) -> Self {
        Failure(
            .badPolicy, "the policy has \(problems.count == 1 ? "a mistake" : "\(problems.count) mistakes")",
            advice: problems)
    }
}

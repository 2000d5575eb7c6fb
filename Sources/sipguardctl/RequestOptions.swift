import ArgumentParser
import Console
import JSON

/// A SIP request, fact by fact or as a message; the names are those of `guard.check`.
struct RequestOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The address that the request comes from.", valueName: "address"))
    var sourceIp: String

    @Option(
        help: ArgumentHelp(
            "A file with the request as received; - is standard input. Facts that are also given singly win.",
            valueName: "file"), completion: .file())
    var message: String?

    @Option(help: "The SIP method, such as REGISTER.") var method: String?
    @Option(help: "udp, tcp, tls, ws, wss or sctp.", completion: .list(["udp", "tcp", "tls", "ws", "wss", "sctp"]))
    var transport: String?
    @Option(help: "The Request-URI.") var ruri: String?
    @Option var fromUser: String?
    @Option var fromDomain: String?
    @Option var fromDisplay: String?
    @Option var fromTag: String?
    @Option var toUser: String?
    @Option var toDomain: String?
    @Option var toTag: String?
    @Option(help: "The Contact header as it stands.") var contact: String?
    @Option var userAgent: String?
    @Option var callId: String?
    @Option var viaHost: String?
    @Option var viaBranch: String?
    @Option(help: "The user name of the Authorization header.") var authUser: String?
    @Option var authRealm: String?
    @Flag(inversion: .prefixedNo, help: "Whether the digest answers a nonce of ours.") var authNonceValid: Bool?
    @Option var localIp: String?
    @Option(help: "Which proxy asks.") var node: String?
    @Option var sourcePort: Int64?
    @Option var localPort: Int64?
    @Option var cseq: Int64?
    @Option var maxForwards: Int64?
    @Option(help: "The message's length in bytes.") var length: Int64?
    @Option(help: "How many requests this one stands for.") var count: Int64?

    func validate() throws {
        if method == nil, message == nil {
            throw ValidationError("Give --method, or the whole request with --message FILE.")
        }
    }

    /// The params of `guard.check`.
    func params() throws(Failure) -> JSONValue {
        let message = try self.message.map { (path) throws(Failure) in WireText.text(try InputFile.read(path)) }
        return JSONValue(
            named: [("source_ip", .string(sourceIp)), ("message", message.map(JSONValue.string))] + texts + numbers
                + [("auth_nonce_valid", authNonceValid.map(JSONValue.bool))])
    }

    private var texts: [(String, JSONValue?)] {
        let texts = [
            ("method", method), ("transport", transport), ("ruri", ruri), ("from_user", fromUser),
            ("from_domain", fromDomain), ("from_display", fromDisplay), ("from_tag", fromTag), ("to_user", toUser),
            ("to_domain", toDomain), ("to_tag", toTag), ("contact", contact), ("user_agent", userAgent),
            ("call_id", callId), ("via_host", viaHost), ("via_branch", viaBranch), ("auth_user", authUser),
            ("auth_realm", authRealm), ("local_ip", localIp), ("node", node),
        ]
        return texts.map { ($0.0, $0.1.map(JSONValue.string)) }
    }

    private var numbers: [(String, JSONValue?)] {
        let numbers = [
            ("source_port", sourcePort), ("local_port", localPort), ("cseq", cseq), ("max_forwards", maxForwards),
            ("length", length), ("count", count),
        ]
        return numbers.map { ($0.0, $0.1.map(JSONValue.int)) }
    }
}

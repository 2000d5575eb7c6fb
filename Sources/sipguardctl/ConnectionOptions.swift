import ArgumentParser
import Console

/// Options of every command; they may stand before or after its name.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "PATH or tcp:ADDRESS:PORT (default: $SIPGUARDD_SOCKET, else \(ConnectionOptions.defaultSocket)).",
            valueName: "socket"),
        completion: .file())
    var socket: String?

    @Option(help: ArgumentHelp("How long to wait for an answer.", valueName: "seconds"))
    var timeout: Double = 5

    @Flag(help: "Print the daemon's result as one line of JSON.")
    var json = false

    static let defaultSocket = "/run/sipguardd/admin.sock"

    mutating func validate() throws {
        guard timeout > 0, timeout <= 3600 else { throw ValidationError("--timeout takes 0.001 to 3600 seconds.") }
        _ = try endpoint(environment: [:])
    }

    /// The option, else the environment, else the default. An empty variable counts as unset.
    func endpoint(environment: [String: String]) throws -> Endpoint {
        let variable = environment["SIPGUARDD_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
        let text = socket ?? variable ?? Self.defaultSocket
        guard let endpoint = Endpoint(text) else {
            let origin = socket == nil ? "SIPGUARDD_SOCKET" : "--socket"
            throw ValidationError(
                "\(origin): '\(text.escapedForTerminal)' is neither a path of at most 107 bytes nor tcp:ADDRESS:PORT.")
        }
        return endpoint
    }
}

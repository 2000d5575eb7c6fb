import ArgumentParser
import Console
import JSON

/// `sipguardctl reload`
struct Reload: Asking {
    static let configuration = CommandConfiguration(
        abstract: "Read the policy file again.",
        discussion: "A policy with mistakes is refused: they are listed, the old policy stays, exit status 78.")

    @OptionGroup var connection: ConnectionOptions

    var method: String { "policy.reload" }
    func show(_ result: JSONValue, on page: inout Page) { page.showReloaded(result) }
}

/// `sipguardctl ping`
struct Ping: Asking {
    static let configuration = CommandConfiguration(abstract: "Is the daemon alive?")

    @OptionGroup var connection: ConnectionOptions

    var method: String { "daemon.ping" }
    func show(_ result: JSONValue, on page: inout Page) { page.showPong(result) }
}

/// `sipguardctl version`
struct Version: Asking {
    static let configuration = CommandConfiguration(
        abstract: "The daemon's version.", discussion: "`sipguardctl --version` says this program's.")

    @OptionGroup var connection: ConnectionOptions

    var method: String { "daemon.version" }
    func show(_ result: JSONValue, on page: inout Page) { page.showVersion(result) }
}

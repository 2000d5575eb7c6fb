import ArgumentParser
import Console

/// The command line of a person who looks after sipguardd.
@main
struct Sipguardctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sipguardctl",
        abstract: "Ask and steer sipguardd.",
        discussion: """
            Exit status: 0 done; 1 the answer is no; 2 sipguardd does not answer; 3 no permission; 4 sipguardd answered \
            an error; 64 wrong command line; 65 a file is broken; 66 a file cannot be read; 78 the policy has mistakes.
            """,
        version: "sipguardctl \(Release.version)",
        subcommands: [
            Stats.self, Top.self, Incidents.self, Show.self, Check.self, Forget.self, Ban.self, Allow.self, Feeds.self,
            PolicyCommand.self,
            ReplayCommand.self, Export.self, Reload.self,
            Ping.self, Version.self,
        ])

    @OptionGroup var connection: ConnectionOptions
}

/// What is built here.
enum Release {
    static let version = "0.1.0"
}

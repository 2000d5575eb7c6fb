import ArgumentParser
import Console
import Daemon
import Foundation
import Testing

@testable import sipguardctl

/// The manual pages say all that the programs take.
@Suite struct ManualTests {
    /// A page with its escapes undone.
    private func page(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/man")
        return try String(contentsOf: root.appending(path: name), encoding: .utf8).replacing("\\-", with: "-")
    }

    private func commands(under root: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        root.configuration.subcommands.flatMap { [$0] + commands(under: $0) }
    }

    @Test("sipguardctl(1) names every command and option") func sipguardctl() throws {
        let page = try page("sipguardctl.1")
        let commands = commands(under: Sipguardctl.self)
        #expect(commands.count == 30)
        for command in commands {
            let help = Sipguardctl.helpMessage(for: command)
            let usage = try #require(help.split(separator: "\n").first { $0.hasPrefix("USAGE: sipguardctl ") })
            let words = usage.split(separator: " ").dropFirst(2).prefix { $0.first?.isLetter == true }
            #expect(page.contains(words.joined(separator: " ")), "\(words)")
            for option in help.matches(of: /--[a-z][a-z-]+/).map({ String($0.output) }) {
                #expect(page.contains(option), "\(option) of \(words)")
            }
        }
    }

    @Test(
        "sipguardctl(1) lists every exit status",
        arguments: [
            Console.ExitStatus.ok, .no, .unreachable, .denied, .error,
            .usage, .noInput, .badPolicy,
        ])
    func statuses(status: Console.ExitStatus) throws {
        #expect(try page("sipguardctl.1").contains("\n.B \(status.rawValue)\n"))
    }

    @Test("the example of sipguardd.yaml(5) is a configuration") func configuration() throws {
        let page = try page("sipguardd.yaml.5")
        let example = try #require(page.split(separator: ".EX\n").last?.split(separator: ".EE").first)
        let configuration = try ConfigurationFile.parse(text: String(example), name: "sipguardd.yaml.5")
        #expect(configuration.listeners.count == 3)
        #expect(configuration.policyPath == "/etc/sipguardd/policy.yaml")
    }
}

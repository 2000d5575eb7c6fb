import ArgumentParser
import Corpus
import Foundation
import PolicyFile

/// `make corpus`: plays all scenarios, prints one table, and fails where a goal or a figure is missed.
@main struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sipguard-corpus", abstract: "Play labelled attacks and customers through the policy.")

    @Argument(help: "The folder of the corpus.")
    var folder = "Tests/Corpus"

    @Flag(help: "Check these figures in, whatever they are.")
    var update = false

    @Option(help: "A policy to play against instead of the built-in one.")
    var policy: String?

    @Option(help: "Only scenarios whose name contains this.")
    var only: String?

    @Option(help: "Other random numbers; figures may then differ from those that are checked in.")
    var seed: UInt64 = 1

    func run() throws {
        let catalogue = Catalogue(folder: folder)
        let document = try policy.map { try PolicyDocument.load(path: $0) } ?? .builtIn
        var board = Scoreboard()
        for scenario in try catalogue.scenarios() where only.map({ scenario.name.contains($0) }) ?? true {
            board.add(scenario, Stage(scenario, policy: document, seed: seed).play())
        }
        print(board.text, terminator: "")
        if update, only == nil { try catalogue.write(board.text) }
        try conclude(board, catalogue.figures())
    }

    private func conclude(_ board: Scoreboard, _ known: Scoreboard.Known) throws {
        let better = board.improvements(on: known)
        if !better.isEmpty { print("\nBetter than checked in: \(better.joined(separator: ", "))") }
        let problems = board.problems(against: known)
        guard !problems.isEmpty else { return }
        print("\n" + problems.joined(separator: "\n"))
        throw ExitCode(1)
    }
}

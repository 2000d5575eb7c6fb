import Foundation
import Policy
import PolicyFile
import Repeatable
import Testing

@testable import Corpus

/// Nothing in the built-in policy may be made for a scenario.
@Suite struct PolicyLiteralTests {
    /// Every text that a condition of the policy compares with, samples left out; and the codes of dialled numbers, which are
    /// heads of them and no extensions.
    private static let literals: [String] = {
        guard let root = YAMLReader(file: "default-policy.yaml").root(of: PolicyDocument.builtIn.text)?.mapping() else {
            return []
        }
        let weighed = ["signatures", "contents"]
        let conditions = weighed.flatMap { root[$0]?.list() ?? [] }.compactMap { $0.mapping()?["when"] }
        let rest = root.entries.filter { !weighed.contains($0.key) && $0.key != "dialling" }.map(\.value)
        return (conditions + rest).flatMap(texts).map { $0.lowercased() }
    }()

    private static func texts(_ value: YAMLValue) -> [String] {
        if value.isList { return value.list()?.flatMap(texts) ?? [] }
        if value.isMapping {
            return value.mapping()?.entries.filter { $0.key != "dialled" }.flatMap { texts($0.value) } ?? []
        }
        return value.string().map { [$0] } ?? []
    }

    @Test func theWholePolicyIsLookedAt() {
        #expect(Self.literals.contains("friendly-scanner"))
        #expect(Self.literals.contains("disarm"))
        #expect(!Self.literals.contains("yealink sip-t46s 66.85.0.5"))
    }

    /// 1.1.1.1 is what svmap and svcrack write into their messages, whoever runs them.
    @Test func noAddressStandsInThePolicyButThatOfSVMap() {
        let address = /[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f]*:[0-9a-f:]*::?[0-9a-f]*/
        let found = Self.literals.flatMap { $0.matches(of: address).map { String($0.output.0) } }
        #expect(Set(found) == ["1.1.1.1"])
    }

    /// The user 100 is svmap's, as 1.1.1.1 is; nm is nmap's.
    @Test(arguments: CorpusFolder.scenarios)
    func noNameOfAScenarioStandsInThePolicy(scenario: Scenario) {
        var random = SeededRandom(seed: 1)
        let tried = scenario.actors.flatMap { $0.tries + $0.dials }.map { $0.text(&random) { _ in "" } }
        let names = Set(scenario.actors.flatMap(\.accounts) + tried + scenario.registrar.accounts)
        let ports = scenario.actors.map { String($0.port) }
        let known: Set = ["100", "nm", "sipvicious"]
        #expect(names.union(ports).subtracting(known).intersection(Self.literals) == [])
    }
}

import Corpus
import PolicyFile
import Testing

@Suite struct ScenarioTests {
    @Test func everyFileOfTheCorpusCanBeRead() throws {
        let scenarios = try CorpusFolder.catalogue.scenarios()
        #expect(scenarios.filter { $0.kind == .attack }.count >= 60)
        #expect(scenarios.filter { $0.kind == .customer }.count >= 45)
        #expect(Set(scenarios.map(\.name)).count == scenarios.count)
        #expect(scenarios.allSatisfy { !$0.title.isEmpty && !$0.source.isEmpty })
        #expect(Set(CorpusFolder.figures.keys) == Set(scenarios.map(\.name)))
    }

    /// No customer is refused, and no attack comes further than it did.
    @Test(arguments: CorpusFolder.scenarios)
    func everyScenarioMeetsItsGoalAndItsFigures(scenario: Scenario) {
        let figures = Stage(scenario).play()
        #expect(Scoreboard.problems(figures, of: scenario, against: CorpusFolder.figures) == [])
    }

    /// The policy knows attacks by what they do: with other addresses, ports and names everything is as before.
    @Test(arguments: CorpusFolder.scenarios)
    func addressesAndNamesMakeNoDifference(scenario: Scenario) {
        var written = Stage(scenario, most: 150).play()
        var elsewhere = Stage(scenario, place: .elsewhere, most: 150).play()
        written.customers?.firstRefusal = nil
        elsewhere.customers?.firstRefusal = nil
        #expect(elsewhere == written)
    }

    /// Chance decides when a customer sends, not whether he is served.
    @Test(arguments: CorpusFolder.scenarios.filter { $0.kind == .customer })
    func chanceRefusesNoCustomer(scenario: Scenario) {
        #expect(Stage(scenario, seed: 2, most: 400).play().customers?.firstRefusal == nil)
    }

    @Test(arguments: [
        ("svwar-register/default", "threshold: 1000"),
        ("enumeration-20-per-second", "limits: [{ name: enumeration, mode: off }, { name: unknown-users, mode: off }]"),
        ("monitoring", "limits: [{ name: x, key: [source], count: requests, limit: 1 per 1h, purpose: flood }]"),
    ])
    func aWorsePolicyIsNoticed(name: String, change: String) throws {
        let policy = try PolicyDocument.parse(text: "version: 1\nextends: default\n\(change)\n", name: "worse.yaml")
        let scenario = try #require(CorpusFolder.scenarios.first { $0.name == name })
        let figures = Stage(scenario, policy: policy).play()
        #expect(!Scoreboard.problems(figures, of: scenario, against: CorpusFolder.figures).isEmpty)
    }
}

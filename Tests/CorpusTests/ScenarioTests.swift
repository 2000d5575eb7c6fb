import Corpus
import PolicyFile
import Testing

@Suite struct ScenarioTests {
    @Test func everyFileOfTheCorpusCanBeRead() throws {
        let scenarios = try CorpusFolder.catalogue.scenarios()
        #expect(scenarios.filter { $0.kind == .attack }.count >= 50)
        #expect(scenarios.filter { $0.kind == .customer }.count >= 30)
        #expect(Set(scenarios.map(\.name)).count == scenarios.count)
        #expect(scenarios.allSatisfy { !$0.title.isEmpty && !$0.source.isEmpty })
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
        var elsewhere = Stage(scenario, place: .elsewhere).play()
        var written = Stage(scenario).play()
        (elsewhere.customers?.firstRefusal, written.customers?.firstRefusal) = (nil, nil)
        #expect(elsewhere == written)
    }

    @Test(arguments: [
        "version: 1\nextends: default\nthreshold: 1000\n",
        "version: 1\nextends: default\nlimits:\n  - { name: request-flood, key: [source], count: requests, "
            + "limit: 1 per 1h, purpose: flood }\n",
    ])
    func aWorsePolicyIsNoticed(policy: String) throws {
        let document = try PolicyDocument.parse(text: policy, name: "worse.yaml")
        let worse = CorpusFolder.scenarios.filter { scenario in
            let figures = Stage(scenario, policy: document).play()
            return !Scoreboard.problems(figures, of: scenario, against: CorpusFolder.figures).isEmpty
        }
        #expect(worse.count > 10)
    }
}

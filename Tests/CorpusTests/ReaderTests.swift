import Foundation
import Policy
import PolicyFile
import Repeatable
import Testing

@testable import Corpus

@Suite struct ReaderTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "corpus-\(UUID().uuidString)")

    private func problems(_ text: String) throws -> [String] {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(text.utf8).write(to: folder.appending(path: "x.yaml"))
        do throws(FileProblems) {
            _ = try ScenarioReader.read("x.yaml", in: folder.path)
            return []
        } catch {
            return error.problems.map { "\($0.line ?? 0): \($0.message)" }
        }
    }

    private static let head = "title: t\nkind: attack\nsource: s\n"
    private static let goal = "goal: { messages: 5 }\n"

    @Test(arguments: [
        (head + "actors: [{ from: 198.51.100.1, tries: x, message: \"A\\nB\" }]\n", "1: 'goal' is missing"),
        (head + goal, "1: 'actors' is missing"),
        (
            head + goal + "actors:\n  - { from: 198.51.100.1, message: \"A\\nB\" }\n",
            "6: needs either 'accounts' or 'tries'"
        ),
        (head + goal + "actors:\n  - { tries: x, message: \"A\\nB\" }\n", "6: 'from' is missing"),
        (
            head + goal + "actors:\n  - { from: 198.51.100.1, tries: x, message: \"{usr}\\nB\" }\n",
            "6: there is no value '{usr}' here"
        ),
        (
            head + goal + "actors:\n  - { from: 198.51.100.1, tries: x, message: \"{hex:99}\\nB\" }\n",
            "6: '{hex:99}' has no length from 1 to 64"
        ),
        (head + goal + "actors:\n  - { from: 198.51.100.1, tries: x, message: nobody }\n", "cannot be opened"),
        (
            head + goal + "actors:\n  - { from: [198.51.100.1, 203.0.113.0/24], tries: x, message: \"A\\nB\" }\n",
            "6: mixes addresses and networks"
        ),
        (head + "goul: 1\n", "4: unknown key 'goul'; did you mean 'goal'?"),
    ])
    func mistakesAreNamedWithTheirLine(text: String, expected: String) throws {
        #expect(try problems(text).contains { $0.contains(expected) })
    }

    @Test func aTemplateFillsInValuesAndLeavesOutEmptyLines() throws {
        var random = SeededRandom(seed: 1)
        let form = try Template("{user} {user:2} {digits:10}\n{auth}\n\nv=0\n", names: ["user", "auth"])
        let text = String(decoding: form.message(&random) { $0 == "user" ? "alice" : "" }, as: UTF8.self)
        #expect(text.wholeMatch(of: /alice al [1-9][0-9]{9}\r\n\r\nv=0\r\n\r\n/) != nil)
    }

    @Test func aFaceChangesTheMarksOfATool() {
        let message = "OPTIONS sip:x SIP/2.0\nVia: v\nFrom: f\nUser-Agent: friendly-scanner\nCSeq: 1\n"
        #expect(Face.default.dress(message) == message)
        #expect(Face.compact.dress(message) == "OPTIONS sip:x SIP/2.0\nv: v\nf: f\nCSeq: 1\n")
        #expect(Face.phone.dress(message).contains("User-Agent: Yealink"))
    }

    @Test func anAgendaIsInOrder() {
        var (agenda, random) = (Agenda(), SeededRandom(seed: 7))
        for device in 0..<500 {
            agenda.add(Instant(microseconds: .random(in: 0..<50, using: &random)), device)
        }
        var seen: [(Instant, Int)] = []
        while let next = agenda.next() { seen.append((next.instant, next.device)) }
        #expect(seen.count == 500)
        #expect(zip(seen, seen.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func figuresAreReadBackAsTheyWereWritten() throws {
        let scenarios = CorpusFolder.scenarios.prefix(4) + CorpusFolder.scenarios.suffix(2)
        var board = Scoreboard()
        for (index, scenario) in scenarios.enumerated() {
            let never = AttackFigures(messages: nil, failures: nil, passed: index, sent: 20)
            let attack = index == 0 ? never : AttackFigures(messages: index, failures: 2, passed: 3, sent: 20)
            let customers = CustomerFigures(requests: 10, refused: index)
            board.add(scenario, Figures(attack: attack, customers: customers))
        }
        let known = Scoreboard.known(in: board.text)
        #expect(known.count == 6)
        #expect(known[scenarios[0].name]?.attack == AttackFigures(passed: 0, sent: 20))
        #expect(known[scenarios[3].name]?.attack == AttackFigures(messages: 3, failures: 2, passed: 3, sent: 20))
        #expect(known[scenarios[5].name]?.customers?.refused == 5)
    }
}

import Foundation
import Testing

@testable import PolicyFile

/// Each file in Fixtures/bad is named after its mistake and says in its first lines what must be said about it:
/// `# expect: LINE: PATH: part of the message` (PATH is `-` for the document itself). Nothing else may be said.
@Suite struct BadFileTests {
    @Test(arguments: Fixture.names(in: "bad"))
    func everyMistakeIsNamedWithItsLine(name: String) throws {
        let text = try Fixture.text("bad/\(name)")
        let expected = text.matches(of: /(?m)^# expect: (\d+): ([^ ]+): (.+)$/).map { $0.output }
        #expect(!expected.isEmpty)
        let problems = Self.problems(text, name)
        #expect(problems.count == expected.count, "\(problems.map(\.description).joined(separator: "\n"))")
        for (_, line, path, part) in expected {
            let isSaid = problems.contains {
                $0.line == Int(line) && $0.path == (path == "-" ? "" : path) && $0.message.contains(part)
            }
            #expect(isSaid, "\(line): \(path): \(part)\n\(problems.map(\.description).joined(separator: "\n"))")
        }
    }

    @Test(arguments: Fixture.names(in: "bad"))
    func everyMessageSaysWhatToWrite(name: String) throws {
        for problem in Self.problems(try Fixture.text("bad/\(name)"), name)
        where !problem.message.hasPrefix("is not YAML") {
            #expect(problem.message.contains(";"), "\(problem)")
            #expect(problem.description.hasPrefix("\(name):"))
        }
    }

    private static func problems(_ text: String, _ name: String) -> [Problem] {
        do {
            _ = try PolicyDocument.parse(text: text, name: name)
            return []
        } catch {
            return error.problems
        }
    }
}

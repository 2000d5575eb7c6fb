import Foundation
import PolicyFile

/// The files of the corpus: `attacks/*.yaml` and `customers/*.yaml`, and what they made of the engine when last looked at.
public struct Catalogue: Sendable {
    public static let figuresFile = "figures.txt"

    public let folder: String

    public init(folder: String) { self.folder = folder }

    /// All scenarios, attacks first, in the order of their files' names; or all that is wrong with the files.
    public func scenarios() throws(FileProblems) -> [Scenario] {
        var (scenarios, problems): ([Scenario], [Problem]) = ([], [])
        for path in ["attacks", "customers"].flatMap(paths) {
            do throws(FileProblems) {
                scenarios += try ScenarioReader.read(path, in: folder)
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else { throw FileProblems(problems) }
        return scenarios
    }

    /// The figures that were checked in; none where there is no file.
    public func figures() -> Scoreboard.Known {
        Scoreboard.known(in: (try? TextFile.read(path: "\(folder)/\(Self.figuresFile)")) ?? "")
    }

    public func write(_ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(Self.figuresFile)"))
    }

    private func paths(in kind: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(kind)")) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(kind)/\($0)" }
    }
}

import Foundation
import Policy
import Testing

@testable import PolicyFile

/// The reader by itself, as a configuration file uses it.
@Suite struct YAMLReaderTests {
    private func read<Result>(_ text: String, _ body: (YAMLMapping) -> Result?) -> (value: Result?, problems: [String])
    {
        let reader = YAMLReader(file: "c.yaml")
        let value = reader.root(of: text)?.mapping().flatMap(body)
        return (value, reader.problems.map(\.description))
    }

    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("90s", .seconds(90)), ("10m", .seconds(600)), ("12h", .seconds(43_200)),
        ("7d", .seconds(604_800)), ("0s", .zero),
    ])
    func durationsHaveAUnit(text: String, duration: Duration) {
        #expect(read("a: \(text)") { $0["a"]?.duration() }.value == duration)
        #expect(Duration(unitText: text)?.unitText == text)
    }

    @Test(arguments: [
        "", "s", "10", "1.5s", "-1s", "10 s", "10S", "10sec", "1h30m", "99999999999999999999s", "\u{0661}s",
    ])
    func otherTextsAreNoDurations(text: String) {
        #expect(Duration(unitText: text) == nil)
    }

    @Test(arguments: [("64KiB", 65_536), ("64MiB", 67_108_864), ("2GiB", 2_147_483_648)])
    func sizesHaveAUnit(text: String, size: Int) {
        #expect(read("a: \(text)") { $0["a"]?.size(1024...(1 << 32)) }.value == size)
    }

    @Test(arguments: ["64", "64MB", "64 MiB", "-1KiB", "1KiB", "99999999999999GiB"])
    func otherTextsAreNoSizes(text: String) {
        let (value, problems) = read("a: \(text)") { $0["a"]?.size(4096...(1 << 32)) }
        #expect(value == nil)
        #expect(problems.count == 1 && problems[0].hasPrefix("c.yaml:1: a: "))
    }

    @Test(arguments: [("true", true), ("false", false), ("yes", nil), ("1", nil), ("\"\"", nil)])
    func booleansAreTrueOrFalse(text: String, value: Bool?) {
        #expect(read("a: \(text)") { $0["a"]?.bool() }.value == value)
    }

    @Test func wordsThatYAMLTakesForOtherTypesStayText() {
        for word in ["off", "no", "12", "1.5", "2026-01-01", "0x1F", "<<"] {
            #expect(read("a: \(word)") { $0["a"]?.string() }.value == word)
        }
    }

    @Test func oneValueStandsForAListOfOne() {
        #expect(read("a: x") { $0["a"]?.listOrOne()?.compactMap { $0.string() } }.value == ["x"])
        #expect(read("a: [x, y]") { $0["a"]?.listOrOne()?.compactMap { $0.string() } }.value == ["x", "y"])
    }

    /// On a thread of the daemon's connections, whose stack is smaller than that of a test.
    @Test(arguments: [
        String(repeating: "{a: ", count: 900) + "1" + String(repeating: "}", count: 900),
        "a: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
        String(repeating: "- ", count: 900), String(repeating: "? ", count: 900),
        (0..<900).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
    ])
    func aDeeplyNestedTextIsAProblem(text: String) async {
        let problems = await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: self.read(text) { $0["a"]?.string() }.problems) }
            thread.stackSize = 1 << 20
            thread.start()
        }
        #expect(problems.count == 1)
        #expect(problems.first?.contains("is nested deeper than 64 levels; ") == true, "\(problems)")
    }

    @Test func problemsComeInTheOrderOfTheLines() {
        let (_, problems) = read("a: x\nb: y\nc: z") { map -> Bool? in
            _ = map["c"]?.integer(1...2)
            _ = map["a"]?.integer(1...2)
            return nil
        }
        #expect(
            problems == [
                "c.yaml:1: a: 'x' is not a whole number; write a whole number from 1 to 2",
                "c.yaml:3: c: 'z' is not a whole number; write a whole number from 1 to 2",
            ])
    }

    @Test func linesAreCountedWithCarriageReturnsToo() {
        let (_, problems) = read("a: 1\r\nb: 2\r\nb: 3\r\n") { $0["a"] }
        #expect(problems == ["c.yaml:3: 'b' stands twice, first in line 2; remove one"])
    }

    @Test func aKeyThatStandsThreeTimesIsNamedTwice() {
        let (_, problems) = read("b: 1\nb: 2\n\"b\": 3\n") { $0["b"] }
        #expect(problems.count == 2)
    }

    @Test func anAmpersandAndAnAsteriskAreNoAliases() {
        let text = read("a: \"R&D *\"\nb: |\n  Contact: *\n  &x\nc: '*98'") { $0["b"]?.string() }
        #expect(text.value == "Contact: *\n&x\n")
        #expect(text.problems == [])
    }

    @Test func deepNestingIsRefusedAndNotFollowed() {
        for text in [
            String(repeating: "[", count: 200_000), String(repeating: "- ", count: 200_000),
            String(repeating: "{a: ", count: 50_000),
        ] {
            let (_, problems) = read("a: \n " + text) { $0["a"] }
            #expect(problems.count == 1)
        }
    }

    @Test func whateverStandsInAFileItIsReadOrRefused() throws {
        let text = Array(PolicyDocument.builtIn.text.utf8)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<60 {
            var mutant = Array(text.prefix(Int.random(in: 1...text.count, using: &random)))
            for _ in 0..<Int.random(in: 0...20, using: &random) {
                mutant[Int.random(in: mutant.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do {
                let document = try PolicyDocument.parse(text: String(decoding: mutant, as: UTF8.self), name: "p.yaml")
                #expect(!document.ruleset.treatments.isEmpty)
            } catch {
                #expect(!error.problems.isEmpty)
            }
        }
    }

    @Test func aMisspeltWordIsRecognised() {
        #expect(Nearest.match("treshold", among: ["threshold", "trust"]) == "threshold")
        #expect(Nearest.match("udner", among: ["under", "over"]) == "under")
        #expect(Nearest.match("colour", among: ["per_source", "total"]) == nil)
    }
}

/// Files that cannot be read.
@Suite struct TextFileTests {
    private func problem(_ path: String) -> String? {
        do {
            _ = try PolicyDocument.load(path: path)
            return nil
        } catch {
            return error.description
        }
    }

    private func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("policy-\(UUID().uuidString).yaml")
            .path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try body(path)
    }

    @Test func aMissingFileIsAProblem() {
        #expect(problem("/nonexistent/p.yaml") == "/nonexistent/p.yaml: cannot be opened: No such file or directory")
    }

    @Test func aDirectoryIsAProblem() {
        #expect(problem("/") == "/: is not a file: Is a directory")
    }

    @Test func bytesThatAreNotUTF8HaveALine() throws {
        let text = Array("version: 1\n# caf\u{E9}\n# ".utf8) + [0xE9, 0x0A]
        #expect(try withFile(text) { path in problem(path) == "\(path):3: is not UTF-8; save the file as UTF-8" })
    }

    @Test func aFileOverTheLimitIsAProblem() throws {
        let text = [UInt8](repeating: 0x20, count: TextFile.most + 1)
        #expect(try withFile(text) { problem($0)?.contains("is over 4 MiB") == true })
    }

    @Test func anEmptyFileIsAProblem() throws {
        #expect(try withFile([]) { problem($0)?.contains(":1: is empty; write at least 'version: 1'") == true })
    }

    @Test func aByteOrderMarkIsNoProblem() throws {
        let text = [0xEF, 0xBB, 0xBF] + Array("version: 1\nextends: default\n".utf8)
        #expect(try withFile(text) { try PolicyDocument.load(path: $0).ruleset.signatures.count } > 10)
    }
}

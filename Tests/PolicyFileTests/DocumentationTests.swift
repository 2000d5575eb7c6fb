import Foundation
import Policy
import Testing

@testable import PolicyFile

/// What docs/policy.md and sipguardd-policy(5) say against what is read.
@Suite struct DocumentationTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let pages = ["docs/policy.md", "docs/man/sipguardd-policy.5"]

    private static func text(_ page: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(page), encoding: .utf8)
    }

    @Test(arguments: zip(pages, [8, 1]))
    func everyExampleIsAPolicyWhoseSamplesHold(page: String, count: Int) throws {
        let blocks = try Self.text(page).matches(of: /(?s)(?:```yaml|\.EX)\n(.*?)\n(?:```|\.EE)/).map {
            String($0.output.1)
        }
        #expect(blocks.count == count)
        for block in blocks {
            let document = try PolicyDocument.parse(text: block, name: page)
            #expect(document.checkSamples().isEmpty && document.warnings.isEmpty)
        }
    }

    @Test(arguments: pages)
    func everyWordOfTheFormatIsThere(page: String) throws {
        let text = try Self.text(page)
        let words =
            PolicyReader.keys + SignatureReader.keys + LimitReader.keys + TreatmentReader.keys
            + ConditionReader.matchers + FeedReader.keys + PolicyReader.allowKeys
            + FeedOrigin.Format.allCases.map(\.rawValue) + FeedRule.List.allCases.map(\.rawValue)
            + Field.allCases.map(\.name) + Form.allCases.map(\.rawValue) + Purpose.allCases.map(\.rawValue)
            + CountedEvent.allCases.map(\.rawValue) + CounterScope.Part.allCases.map(\.rawValue)
            + Mode.allCases.map(\.rawValue)
        for word in words { #expect(text.contains(word), "\(word)") }
    }

    /// The keys of each map of the format, by what stands before them in the guide.
    private static let keys: [(before: String, section: String, keys: [String])] = [
        ("", "Keys", PolicyReader.keys.filter { !nested.contains($0) }),
        ("sources.", "Keys", PolicyReader.lengthKeys), ("trust.", "Keys", PolicyReader.trustKeys),
        ("budget.", "Keys", PolicyReader.budgetKeys), ("ban.", "Keys", PolicyReader.banKeys),
        ("probation.", "Keys", PolicyReader.probationKeys), ("lease.", "Keys", PolicyReader.leaseKeys),
        ("dialling.", "Keys", DiallingReader.keys), ("", "allow", PolicyReader.allowKeys),
        ("", "feeds", FeedReader.keys), ("", "signatures", SignatureReader.keys), ("", "limits", LimitReader.keys),
        ("", "treatments", TreatmentReader.keys.filter { $0 != "for" }),
        ("for.", "treatments", TreatmentReader.indicationKeys),
    ]
    /// Maps of which each key has its row.
    private static let nested = ["sources", "trust", "budget", "ban", "probation", "lease", "dialling"]

    @Test("The guide has a row for each key of the format, and no other", arguments: Set(keys.map(\.section)))
    func rows(section: String) throws {
        let text = try Self.text("docs/policy.md")
        let level = section == "Keys" ? "\n## Keys\n" : "\n### \(section)\n"
        let start = try #require(text.range(of: level)?.upperBound)
        let end = text[start...].range(of: "\n##")?.lowerBound ?? text.endIndex
        let table = try #require(
            text[start..<end].split(separator: "\n\n").first { $0.contains("\n|---|---|---|---|\n") })
        let rows = table.split(separator: "\n").dropFirst(2).compactMap { $0.split(separator: "|").first }
        let found = rows.flatMap { $0.matches(of: /`([a-z0-9_.]+)`/).map { String($0.output.1) } }
        let expected = Self.keys.filter { $0.section == section }.flatMap { map in map.keys.map { map.before + $0 } }
        #expect(Set(found) == Set(expected) && found.count == expected.count)
    }

    @Test("The schema for editors has every key and word of the format, and no other") func schema() throws {
        let schema = try #require(
            try JSONSerialization.jsonObject(with: Data(PolicySchema.text.utf8)) as? [String: Any])
        let definitions = try #require(schema["definitions"] as? [String: [String: Any]])
        func keys(_ object: [String: Any]?) -> Set<String> {
            Set((object?["properties"] as? [String: Any] ?? [:]).keys)
        }
        func words(_ object: Any?) -> Set<String> { Set((object as? [String: Any])?["enum"] as? [String] ?? []) }
        func property(_ definition: String, _ name: String) -> [String: Any]? {
            (definitions[definition]?["properties"] as? [String: [String: Any]])?[name]
        }
        #expect(keys(schema) == Set(PolicyReader.keys))
        let maps = schema["properties"] as? [String: [String: Any]]
        #expect(keys(definitions["prefix_lengths"]) == Set(PolicyReader.lengthKeys))
        #expect(keys(maps?["trust"]) == Set(PolicyReader.trustKeys))
        #expect(keys(maps?["budget"]) == Set(PolicyReader.budgetKeys))
        #expect(keys(maps?["ban"]) == Set(PolicyReader.banKeys))
        #expect(keys(maps?["probation"]) == Set(PolicyReader.probationKeys))
        #expect(keys(maps?["lease"]) == Set(PolicyReader.leaseKeys))
        #expect(keys(maps?["dialling"]) == Set(DiallingReader.keys))
        #expect(keys(definitions["signature"]) == Set(SignatureReader.keys))
        #expect(keys(definitions["content"]) == Set(SignatureReader.contentKeys))
        #expect(keys(definitions["limit"]) == Set(LimitReader.keys))
        #expect(
            keys(property("limit", "prefix")) == []
                && keys(definitions["any_prefix_lengths"]) == Set(PolicyReader.lengthKeys))
        #expect(keys(property("treatment", "for")) == Set(TreatmentReader.indicationKeys))
        #expect(keys(definitions["treatment"]) == Set(TreatmentReader.keys))
        #expect(keys(definitions["feed"]) == Set(FeedReader.keys))
        #expect(keys(definitions["allow_entry"]) == Set(PolicyReader.allowKeys))
        #expect(words(property("feed", "format")) == Set(FeedOrigin.Format.allCases.map(\.rawValue)))
        #expect(words(property("feed", "list")) == Set(FeedRule.List.allCases.map(\.rawValue)))
        #expect(keys(definitions["matcher"]) == Set(ConditionReader.matchers))
        #expect(words(definitions["field"]) == Set(Field.allCases.map(\.name)))
        #expect(words(definitions["purpose"]) == Set(Purpose.allCases.map(\.rawValue)))
        #expect(words(definitions["mode"]) == Set(Mode.allCases.map(\.rawValue)))
        #expect(words(property("matcher", "form")) == Set(Form.allCases.map(\.rawValue)))
        #expect(words(property("limit", "count")) == Set(CountedEvent.allCases.map(\.rawValue)))
        let parts = (property("limit", "key")?["anyOf"] as? [Any])?.first
        #expect(words(parts) == Set(CounterScope.Part.allCases.map(\.rawValue)))
    }
}

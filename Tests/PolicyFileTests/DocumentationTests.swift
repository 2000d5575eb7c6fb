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

    @Test(arguments: zip(pages, [3, 1]))
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
}

import Console
import JSON

/// What `policy check` says of a text.
struct PolicyReview {
    let problems: [String]
    /// `{"ok": true, "rules": 3, "signatures": 20, "problems": []}`
    let json: JSONValue

    init(reading text: String, name: String) {
        switch OfflinePolicy.read(text, name: name) {
        case .sound(let rules, let signatures, let warnings):
            problems = []
            json = [
                "ok": true, "rules": .int(Int64(rules)), "signatures": .int(Int64(signatures)), "problems": [],
                "warnings": .array(warnings.map(JSONValue.string)),
            ]
        case .mistakes(let found):
            problems = found
            json = ["ok": false, "problems": .array(found.map(JSONValue.string))]
        }
    }

    var failure: Failure? { problems.isEmpty ? nil : Failure.badFile(problems) }
}

import Guard
import PolicyFile

extension ConfigurationFile {
    /// `decision_log: { path, size, files, what }`.
    static func decisionLog(_ value: YAMLValue) -> DecisionLog.Settings? {
        guard let map = value.mapping(["path", "size", "files", "what"]) else { return nil }
        let hint = "write 'path: /var/log/sipguardd/decisions.jsonl'"
        guard let path = map.required("path", hint), let text = path.string() else { return nil }
        guard text.hasPrefix("/") else { return path.fail("'\(text)' is not an absolute path; begin it with '/'") }
        var settings = DecisionLog.Settings(path: text)
        if let size = map["size"]?.size((64 << 10)...(1 << 40)) { settings.size = size }
        if let files = map["files"]?.integer(1...1000) { settings.files = files }
        if let coverage = map["what"]?.choice(DecisionLog.Coverage.self) { settings.coverage = coverage }
        return settings
    }
}

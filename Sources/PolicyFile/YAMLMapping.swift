/// A map of a YAML file whose keys are known to its reader.
public struct YAMLMapping {
    public let value: YAMLValue
    public let entries: [(key: String, value: YAMLValue)]

    /// The value of a key; nil where it is not written.
    public subscript(key: String) -> YAMLValue? { entries.first { $0.key == key }?.value }

    /// The value of a key that must be there; its absence is reported.
    public func required(_ key: String, _ hint: String) -> YAMLValue? {
        if let value = self[key] { return value }
        return value.fail("'\(key)' is missing; \(hint)")
    }
}

extension YAMLValue {
    /// The map that stands here. Keys that are not among `keys` are reported; nil allows any.
    public func mapping(_ keys: [String]? = nil) -> YAMLMapping? {
        guard case .mapping(let pairs) = node.content else {
            let example = keys?.first.map { "such as '\($0): ...'" } ?? "such as 'key: value'"
            return fail("is not a map of keys; write lines \(example)")
        }
        var entries: [(key: String, value: YAMLValue)] = []
        var lines: [String: Int] = [:]
        for (key, value) in pairs {
            guard let name = key.text else {
                reader.report(line: key.line, path: path, "has a key that is not a plain word; write 'word: value'")
                continue
            }
            if let first = lines[name] {
                reader.report(line: key.line, path: path, "'\(name)' stands twice, first in line \(first); remove one")
                continue
            }
            lines[name] = key.line
            entries.append((name, child(value, path: path.isEmpty ? name : "\(path).\(name)", line: key.line)))
            if let keys, !keys.contains(name) { unknown(name, key.line, keys) }
        }
        return YAMLMapping(value: self, entries: entries)
    }

    private func unknown(_ name: String, _ line: Int, _ keys: [String]) {
        let known =
            Nearest.match(name, among: keys).map { "did you mean '\($0)'?" }
            ?? "known here: \(keys.joined(separator: ", "))"
        reader.report(line: line, path: path, "unknown key '\(name)'; \(known)")
    }
}

import Policy

/// A feed as an entry of a list that is merged by name.
struct FeedDraft: NamedDraft {
    var feed: FeedRule
    var place: Place?

    var name: String { feed.name }

    func switched(to mode: Mode) -> Self? {
        var copy = self
        let mark = Signature(
            name: feed.name, tool: feed.mark.tool, purpose: feed.mark.purpose, weight: feed.mark.weight, mode: mode,
            conditions: [])
        copy.feed = FeedRule(list: feed.list, origin: feed.origin, refresh: feed.refresh, mark: mark)
        return copy
    }
}

/// Reads one entry of `feeds`.
enum FeedReader {
    static let keys = [
        "name", "list", "path", "url", "key_file", "ca_file", "format", "weight", "purpose", "mode", "refresh", "most",
    ]

    static func read(_ entry: YAMLMapping, _ name: String) -> FeedDraft? {
        guard let map = entry.value.mapping(keys) else { return nil }
        let list = map["list"].map { $0.choice(FeedRule.List.self) } ?? .block
        let place = Self.place(map)
        let format = map["format"].map { $0.choice(FeedOrigin.Format.self) } ?? .plain
        let most = map["most"].map { $0.integer(1...1_000_000) } ?? 200_000
        let mark = list.flatMap { Self.mark(map, name, $0) }
        let usual = Duration.seconds(map["path"] == nil ? 3600 : 5)
        let refresh = map["refresh"].map { $0.duration(.seconds(1)...(.seconds(7 * 86_400))) } ?? usual
        if format == .apiban, map["path"] != nil {
            map["format"]?.report("is for 'url', since it comes in pages; write 'format: plain' for a file")
        }
        guard let list, let place, let format, let most, let mark, let refresh else { return nil }
        let origin = FeedOrigin(place: place, format: format, most: most)
        return FeedDraft(feed: FeedRule(list: list, origin: origin, refresh: refresh, mark: mark), place: nil)
    }

    private static func mark(_ map: YAMLMapping, _ name: String, _ list: FeedRule.List) -> Signature? {
        let mode = map["mode"].map { $0.choice(Mode.self) } ?? .enforce
        guard list == .block else {
            for key in ["weight", "purpose"] {
                map[key]?.report("is for 'list: block'; who is on an allow list passes")
            }
            return mode.map {
                Signature(name: name, tool: Signature.noTool, purpose: .scan, weight: 0, mode: $0, conditions: [])
            }
        }
        let hint = "write how much it adds to the score, such as 'weight: 60'; from the threshold on it decides alone"
        let weight = map.required("weight", hint)?.integer(1...1000)
        let purpose = map["purpose"].map { $0.choice(Purpose.self) } ?? .scan
        guard let weight, let purpose, let mode else { return nil }
        return Signature(
            name: name, tool: Signature.noTool, purpose: purpose, weight: weight, mode: mode, conditions: [])
    }

    private static func place(_ map: YAMLMapping) -> FeedOrigin.Place? {
        switch (map["path"], map["url"]) {
        case (let path?, nil):
            for key in ["key_file", "ca_file"] { map[key]?.report("is for 'url'; remove it") }
            return absolute(path).map { .file(path: $0) }
        case (nil, let url?): return remote(url, map)
        case (nil, nil): return map.value.fail("has neither 'path' nor 'url'; write 'path: /etc/sipguardd/block.txt'")
        case (.some, let url?): return url.fail("stands beside 'path'; a feed has one of them, make two of it")
        }
    }

    private static func remote(_ value: YAMLValue, _ map: YAMLMapping) -> FeedOrigin.Place? {
        let key = map["key_file"].map(absolute)
        let authorities = map["ca_file"].map(absolute)
        guard let url = value.string() else { return nil }
        let rest = url.hasPrefix("https://") ? url.dropFirst(8) : url.hasPrefix("http://") ? url.dropFirst(7) : ""
        guard !rest.isEmpty, url.utf8.count <= 1000, url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return value.fail("is not a URL; write 'https://' and the rest without blanks, 1000 bytes at most")
        }
        guard !rest.prefix(while: { $0 != "/" }).contains("@") else {
            return value.fail(
                "has a password in it that everybody could read; write {key} there, and key_file: beside it")
        }
        guard url.contains("{key}") == (key != nil) else {
            return value.fail("'{key}' in it and 'key_file' beside it belong together; write both or neither")
        }
        return .url(url, keyFile: key ?? nil, authorities: authorities ?? nil)
    }

    private static func absolute(_ value: YAMLValue) -> String? {
        guard let path = value.string() else { return nil }
        return path.hasPrefix("/") ? path : value.fail("'\(path)' is not an absolute path; begin it with '/'")
    }
}

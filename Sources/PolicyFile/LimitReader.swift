import Policy

/// Reads one entry of `limits`.
enum LimitReader {
    static let keys = ["name", "key", "prefix", "count", "limit", "purpose", "mode"]

    static func read(_ entry: YAMLMapping, _ name: String) -> LimitDraft? {
        guard let map = entry.value.mapping(keys) else { return nil }
        let parts =
            map["key"].map { $0.listOrOne(1...4).map { $0.map { $0.choice(CounterScope.Part.self) } } } ?? [.source]
        let prefix = map["prefix"].map { PolicyReader.lengths($0, else: PrefixLengths(v4: 32, v6: 64)) }
        let event = map.required(
            "count", "write one of \(CountedEvent.allCases.map(\.rawValue).joined(separator: ", "))")?
            .choice(CountedEvent.self)
        let limit = map.required("limit", "write 'limit: 10 per 10m'")?.rate()
        let purpose = map.required(
            "purpose", "write one of \(Purpose.allCases.map(\.rawValue).joined(separator: ", "))")?
            .choice(Purpose.self)
        let mode = map["mode"].map { $0.choice(Mode.self) } ?? .enforce
        guard let parts, let event, let limit, let purpose, let mode else { return nil }
        let scope = CounterScope(parts: Set(parts.compactMap { $0 }), prefix: prefix.flatMap { $0 })
        if let value = map["prefix"], !scope.parts.contains(.source) {
            value.report(
                "the source is no part of the key, so its prefix does not matter; add source to key: or remove prefix:")
        }
        if event == .usersTried, scope.parts.contains(.user) {
            map["key"]?.report("users_tried counts users, so the user cannot be part of the key; write 'key: [source]'")
        }
        return LimitDraft(
            name: name, mode: mode, scope: scope, event: event, limit: limit, purpose: purpose, place: nil)
    }
}

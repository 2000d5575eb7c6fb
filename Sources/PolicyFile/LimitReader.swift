import Policy

/// Reads one entry of `limits`.
enum LimitReader {
    static let keys = [
        "name", "key", "prefix", "count", "methods", "limit", "memory", "trusted", "purpose", "weight", "mode",
    ]

    static func read(_ entry: YAMLMapping, _ name: String) -> LimitDraft? {
        guard let map = entry.value.mapping(keys) else { return nil }
        let event = map.required(
            "count", "write one of \(CountedEvent.allCases.map(\.rawValue).joined(separator: ", "))")?
            .choice(CountedEvent.self)
        let limit = map.required("limit", "write 'limit: 10 per 10m'")?.rate()
        let purpose = map.required(
            "purpose", "write one of \(Purpose.allCases.map(\.rawValue).joined(separator: ", "))")?
            .choice(Purpose.self)
        let mode = map["mode"].map { $0.choice(Mode.self) } ?? .enforce
        guard let scope = scope(map), let event, let limit, let purpose, let mode else { return nil }
        check(scope, event, map)
        return LimitDraft(
            name: name, mode: mode, scope: scope, event: event, limit: limit, purpose: purpose,
            terms: terms(map, event, limit), place: nil)
    }

    private static func scope(_ map: YAMLMapping) -> CounterScope? {
        let parts =
            map["key"].map { $0.listOrOne(1...4).map { $0.map { $0.choice(CounterScope.Part.self) } } } ?? [.source]
        let prefix = map["prefix"].map {
            PolicyReader.lengths($0, else: PrefixLengths(v4: 32, v6: 64), least: PrefixLengths(v4: 0, v6: 0))
        }
        return parts.map { CounterScope(parts: Set($0.compactMap { $0 }), prefix: prefix.flatMap { $0 }) }
    }

    private static func check(_ scope: CounterScope, _ event: CountedEvent, _ map: YAMLMapping) {
        if let value = map["prefix"], !scope.parts.contains(.source) {
            value.report(
                "the source is no part of the key, so its prefix does not matter; add source to key: or remove prefix:")
        }
        if event == .usersTried, scope.parts.contains(.user) {
            map["key"]?.report("users_tried counts users, so the user cannot be part of the key; write 'key: [source]'")
        }
        if event == .sourcesTried || event == .sourcesRetried, scope.parts.contains(.source) {
            (map["key"] ?? map.value).report(
                "\(event.rawValue) counts sources, so the source cannot be part of the key; write 'key: [user]'")
        }
    }

    /// What cannot be read is reported, so what stands here instead does not matter.
    private static func terms(_ map: YAMLMapping, _ event: CountedEvent, _ limit: RateLimit) -> LimitRule.Terms {
        var terms = LimitRule.Terms(methods: event.isOfDialling ? .invite : [])
        if let value = map["methods"] { terms.methods = readMethods(value, event) ?? [] }
        if let value = map["trusted"] {
            terms.trusted = value.choice(LimitRule.Favour.self) ?? .relaxed
        }
        if let value = map["memory"] { terms.memory = readMemory(value, event, limit) }
        if let value = map["weight"] { terms.weight = readWeight(value, event) }
        return terms
    }

    private static func readMethods(_ value: YAMLValue, _ event: CountedEvent) -> MethodSet? {
        guard let list = value.listOrOne() else { return nil }
        let sets = list.compactMap(TreatmentReader.method).map { $0.withUnsafeBufferPointer { MethodSet($0) } }
        guard sets.count == list.count else { return nil }
        let methods = MethodSet(sets)
        if event.isOfDialling, methods != .invite {
            return value.fail("\(event.rawValue) counts numbers, which only INVITE dials; remove methods:")
        }
        return methods
    }

    private static func readMemory(_ value: YAMLValue, _ event: CountedEvent, _ limit: RateLimit) -> Duration? {
        guard event.isDistinct else {
            return value.fail(
                "\(event.rawValue) counts everything and remembers nothing; remove memory:, or count different things")
        }
        return value.duration(limit.per...(.seconds(30 * 86_400)))
    }

    private static func readWeight(_ value: YAMLValue, _ event: CountedEvent) -> Int? {
        guard event.isOfRequests else {
            return value.fail(
                "\(event.rawValue) is counted when the request is over, so it has no score; remove weight:")
        }
        return value.integer(1...1000)
    }
}

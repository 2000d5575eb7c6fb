import Policy

/// Reads one entry of `signatures`, or of `contents`, which is the same without a tool.
enum SignatureReader {
    static let keys = ["name", "tool", "purpose", "weight", "mode", "source", "when", "matches", "ignores"]

    static let contentKeys = keys.filter { $0 != "tool" }

    static func read(_ entry: YAMLMapping, _ name: String) -> SignatureDraft? { read(entry, name, keys) }

    static func readContent(_ entry: YAMLMapping, _ name: String) -> SignatureDraft? { read(entry, name, contentKeys) }

    private static func read(_ entry: YAMLMapping, _ name: String, _ keys: [String]) -> SignatureDraft? {
        guard let map = entry.value.mapping(keys) else { return nil }
        let tool = map["tool"].map(toolName) ?? Signature.noTool
        let purpose = map.required(
            "purpose", "write one of \(Purpose.allCases.map(\.rawValue).joined(separator: ", "))")?
            .choice(Purpose.self)
        let weight = map.required("weight", "write how much it adds to the score, such as 'weight: 40'")?.integer(
            1...1000)
        let mode = map["mode"].map { $0.choice(Mode.self) } ?? .enforce
        let conditions = map.required(
            "when", "write a list of conditions, such as '- user_agent: {contains: scanner}'")?
            .list(1...16)?.map(ConditionReader.read)
        let matches = map["matches"]?.list(1...100)?.map { SampleReader.read($0, name, isMatch: true) } ?? []
        let ignores = map["ignores"]?.list(1...100)?.map { SampleReader.read($0, name, isMatch: false) } ?? []
        let source = map["source"].map { $0.string() } ?? ""
        guard let tool, let purpose, let weight, let mode, let conditions, let source else { return nil }
        let signature = Signature(
            name: name, tool: tool, purpose: purpose, weight: weight, mode: mode,
            conditions: conditions.compactMap { $0 })
        return SignatureDraft(
            signature: signature, source: source, samples: (matches + ignores).compactMap { $0 }, place: nil)
    }

    private static func toolName(_ value: YAMLValue) -> String? {
        guard let tool = value.string() else { return nil }
        guard PolicyReader.isName(tool) else {
            return value.fail(
                "'\(tool)' is not a tool's name; write small letters, digits and hyphens, such as 'svwar'")
        }
        return tool
    }
}

/// Reads one condition: `field: matcher`, or `any_of: [fields]` beside the matcher.
enum ConditionReader {
    static let matchers = ["equals", "prefix", "suffix", "contains", "shape", "form", "dialled"]
    private static let fields = Field.allCases.map(\.name)

    static func read(_ value: YAMLValue) -> Condition? {
        guard let map = value.mapping() else { return nil }
        if map["any_of"] != nil { return readAnyOf(value) }
        guard let map = value.mapping(fields) else { return nil }
        guard map.entries.count == 1, let entry = map.entries.first else {
            return value.fail(
                "holds \(map.entries.count) fields; write one field in each '- ' item, or any_of: [fields]")
        }
        guard let field = Field(name: entry.key) else { return nil }
        guard let matcherMap = entry.value.mapping(matchers) else { return nil }
        return matcher(matcherMap, entry.value).map { Condition(fields: [field], matcher: $0) }
    }

    private static func readAnyOf(_ value: YAMLValue) -> Condition? {
        guard let map = value.mapping(["any_of"] + matchers), let list = map["any_of"]?.list(1...Field.allCases.count)
        else { return nil }
        let choices = Field.allCases.map { (word: $0.name, value: $0) }
        let fields = list.compactMap { $0.choice(choices) }
        guard let matcher = matcher(map, value), fields.count == list.count else { return nil }
        return Condition(fields: fields, matcher: matcher)
    }

    private static func matcher(_ map: YAMLMapping, _ place: YAMLValue) -> Matcher? {
        let entries = map.entries.filter { matchers.contains($0.key) }
        guard entries.count == 1, let (key, value) = entries.first else {
            return place.fail(
                "holds \(entries.count) matchers; write exactly one of \(matchers.joined(separator: ", "))")
        }
        switch key {
        case "equals": return texts(value).map(Matcher.equals)
        case "prefix": return texts(value).map(Matcher.prefix)
        case "suffix": return texts(value).map(Matcher.suffix)
        case "contains": return texts(value).map(Matcher.contains)
        case "form": return value.choice(Form.self).map(Matcher.form)
        case "dialled": return codes(value).map(Matcher.dialled)
        default: return shape(value)
        }
    }

    /// Texts in lower case, as matchers hold them. An empty one would match everything, except with `equals`.
    private static func texts(_ value: YAMLValue) -> [[UInt8]]? {
        guard let list = value.listOrOne(1...1000) else { return nil }
        let texts = list.compactMap { item -> [UInt8]? in
            guard let text = item.string() else { return nil }
            guard !text.isEmpty || value.path.hasSuffix("equals") else {
                return item.fail("an empty text stands in every value; write some letters of it")
            }
            guard text.utf8.count <= 1000 else { return item.fail("is longer than 1000 bytes; write a part of it") }
            return text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        }
        return texts.count == list.count ? texts : nil
    }

    /// Heads of international numbers, country code first.
    private static func codes(_ value: YAMLValue) -> [[UInt8]]? {
        guard let list = value.listOrOne(1...1000) else { return nil }
        let codes = list.compactMap { item -> [UInt8]? in
            guard let text = item.string() else { return nil }
            guard (1...15).contains(text.utf8.count), text.utf8.allSatisfy(\.isDigit), !text.hasPrefix("0") else {
                return item.fail(
                    "'\(text)' is not the head of an international number; write its digits without prefix")
            }
            return Array(text.utf8)
        }
        return codes.count == list.count ? codes : nil
    }

    private static func shape(_ value: YAMLValue) -> Matcher? {
        guard let text = value.string() else { return nil }
        do {
            return .shape(try Shape(text))
        } catch {
            return value.fail("'\(text)' is not a shape: \(error.description)")
        }
    }
}

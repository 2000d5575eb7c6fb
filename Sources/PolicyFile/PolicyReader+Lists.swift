import Policy

extension PolicyReader {
    /// The lists that are merged by name: an entry takes the place of its namesake, or switches it with `mode` alone.
    mutating func readLists(_ document: YAMLMapping) {
        let signatures = document["signatures"]?.list(0...512) ?? []
        draft.signatures = merge(signatures, into: draft.signatures, read: SignatureReader.read)
        let contents = document["contents"]?.list(0...512) ?? []
        draft.contents = merge(contents, into: draft.contents, read: SignatureReader.readContent)
        let feeds = document["feeds"]?.list(0...FeedTable.most) ?? []
        draft.feeds = merge(feeds, into: draft.feeds, read: FeedReader.read)
        let limits = document["limits"]?.list(0...128) ?? []
        draft.limits = merge(limits, into: draft.limits, read: LimitReader.read)
        let rules = (signatures + contents + limits).compactMap { $0.mapping() }.filter { !Self.isSwitch($0) }
        writtenOut = Set(rules.compactMap { $0["name"]?.string() })
        let treatments = document["treatments"]?.list(0...64) ?? []
        draft.treatments = merge(treatments, into: draft.treatments, newFirst: true, read: TreatmentReader.read)
            .filter { !$0.isOff }
    }

    private func merge<Draft: NamedDraft>(
        _ list: [YAMLValue], into old: [Draft], newFirst: Bool = false, read: (YAMLMapping, String) -> Draft?
    ) -> [Draft] {
        var (merged, new) = (old, [Draft]())
        var lines: [String: Int] = [:]
        for item in list {
            guard let map = item.mapping(), let name = Self.name(map) else { continue }
            if let line = lines[name] {
                item.report("the name '\(name)' stands in line \(line) already; choose another")
                continue
            }
            lines[name] = item.line
            let index = merged.firstIndex { $0.name == name }
            guard var draft = Self.isSwitch(map) ? switched(map, index.map { merged[$0] }, name) : read(map, name)
            else {
                continue
            }
            draft.place = item.place
            if let index { merged[index] = draft } else { new.append(draft) }
        }
        return newFirst ? new + merged : merged + new
    }

    /// Whether an entry says nothing but its name and a mode.
    private static func isSwitch(_ map: YAMLMapping) -> Bool {
        map.entries.count == 2 && map["mode"] != nil
    }

    private func switched<Draft: NamedDraft>(_ map: YAMLMapping, _ old: Draft?, _ name: String) -> Draft? {
        guard let value = map["mode"], let mode = value.choice(Mode.self) else { return nil }
        guard let old else {
            let advice = home(of: name).map { "it stands under \($0):" } ?? "write the entry out or correct its name"
            return map.value.fail("there is no '\(name)' to be switched in what this policy extends; \(advice)")
        }
        return old.switched(to: mode) ?? value.fail("a treatment is on or off; write 'mode: off', or leave mode away")
    }

    /// The list in which something of that name stands.
    private func home(of name: String) -> String? {
        let lists: [(String, [any NamedDraft])] = [
            ("signatures", draft.signatures), ("contents", draft.contents), ("feeds", draft.feeds),
            ("limits", draft.limits), ("treatments", draft.treatments),
        ]
        return lists.first { $0.1.contains { $0.name == name } }?.0
    }

    private static func name(_ map: YAMLMapping) -> String? {
        let expectation = "write small letters, digits and hyphens, such as 'ua-sipcli'"
        guard let value = map.required("name", expectation), let name = value.string() else { return nil }
        guard isName(name) else { return value.fail("'\(name)' is not a name; \(expectation)") }
        guard !RuleName.all.contains(name) else {
            return value.fail("'\(name)' is taken by sipguardd itself; choose another name")
        }
        return name
    }

    /// Small letters, digits and hyphens, not beginning with a hyphen, at most 64.
    static func isName(_ text: String) -> Bool {
        let isFine = text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
        return isFine && !text.isEmpty && !text.hasPrefix("-") && text.utf8.count <= 64
    }
}

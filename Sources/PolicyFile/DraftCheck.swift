import Policy

/// What must hold between the parts of a policy.
struct DraftCheck {
    let draft: PolicyDraft
    let root: YAMLValue

    func report() {
        reportSizes()
        reportSharedNames()
        reportCollisions()
        reportUnknownTools()
        reportMissingCatchAll()
    }

    private func reportSizes() {
        for (key, count, most) in [
            ("signatures and contents", draft.signatures.count + draft.contents.count, 512),
            ("limits", draft.limits.count, 128),
            ("treatments", draft.treatments.count, 64), ("feeds", draft.feeds.count, FeedTable.most),
            (
                "signatures, contents and feeds",
                draft.signatures.count + draft.contents.count + draft.feeds.count, Hits.mostSignatures
            ),
        ] where count > most {
            root.report("\(key): \(count) with those of the policy that is extended; at most \(most) are allowed")
        }
    }

    private var entries: [(kind: String, entry: any NamedDraft)] {
        draft.signatures.map { ("signature", $0) } + draft.contents.map { ("content", $0) }
            + draft.feeds.map { ("feed", $0) }
            + draft.limits.map { ("limit", $0) }
            + draft.treatments.map { ("treatment", $0) }
    }

    private func reportSharedNames() {
        for (name, namesakes) in Dictionary(grouping: entries, by: \.entry.name) where namesakes.count > 1 {
            guard let own = namesakes.last(where: { $0.entry.place != nil }) else { continue }
            let other = namesakes.first { $0.kind != own.kind }?.kind ?? own.kind
            report(own.entry.place, "the name '\(name)' is a \(other)'s already; choose another")
        }
    }

    /// Names are told apart by a hash of 32 bits.
    private func reportCollisions() {
        var names: [NameID: String] = [:]
        for name in RuleName.all { names[NameID(name)] = name }
        let tools = draft.signatures.map { ($0.signature.tool, $0.place) }
        for (name, place) in entries.map({ ($0.entry.name, $0.entry.place) }) + tools {
            let other = names.updateValue(name, forKey: NameID(name))
            if let other, other != name {
                report(
                    place, "the names '\(name)' and '\(other)' have the same 32-bit hash; change one of them a little")
            }
        }
    }

    private func reportUnknownTools() {
        guard !hasProblems(in: "signatures") else { return }
        let tools = Set(draft.signatures.map(\.signature.tool))
        for treatment in draft.treatments where treatment.place != nil {
            for tool in treatment.tools where !tools.contains(tool.name) {
                let hint = Nearest.hint(tool.name, among: tools.sorted())
                report(
                    tool.place,
                    "no signature names the tool '\(tool.name)'\(hint.isEmpty ? "; correct or remove it" : hint)")
            }
        }
    }

    private func reportMissingCatchAll() {
        guard !draft.treatments.contains(where: \.fitsEverything), !hasProblems(in: "treatments") else { return }
        let last = draft.treatments.last { $0.place != nil }
        let message =
            "the last treatment must fit everything; add '- {name: anything, ladder: [{answer: drop}]}' without for:"
        guard let place = last?.place else {
            root.report("no treatments; \(message), or write 'extends: default'")
            return
        }
        report(place, message)
    }

    /// Whether some of a list could not be read, so that what is missing may be among that.
    private func hasProblems(in list: String) -> Bool {
        root.reader.problems.contains { $0.path.hasPrefix(list) }
    }

    private func report(_ place: Place?, _ message: String) {
        root.reader.report(line: place?.line ?? root.line, path: place?.path ?? "", message)
    }
}

extension TreatmentDraft {
    var fitsEverything: Bool {
        let indication = treatment.indication
        return indication.tools.isEmpty && indication.purposes.isEmpty && indication.methods.isEmpty
            && indication.answered == nil
    }
}

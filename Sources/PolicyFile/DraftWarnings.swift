import Policy

/// What a policy may say but probably does not mean; only of what the file itself says.
struct DraftWarnings {
    let draft: PolicyDraft
    let file: String

    var problems: [Problem] {
        draft.treatments.indices.flatMap { index -> [Problem] in
            guard let place = draft.treatments[index].place else { return [] }
            let messages = [unreachable(index), loops(draft.treatments[index]), invites(draft.treatments[index])]
            return messages.compactMap { $0 }.map {
                Problem(file: file, line: place.line, path: place.path, message: $0)
            }
        }
    }

    private func unreachable(_ index: Int) -> String? {
        draft.treatments[..<index].first(where: \.fitsEverything).map {
            "is never reached, because '\($0.name)' above it fits everything; give that one a for:, or remove this one"
        }
    }

    /// Measured with SIPVicious 0.3.3: on 403 and 404 svcrack tries on without end.
    private func loops(_ draft: TreatmentDraft) -> String? {
        for case .reject(let code, _) in draft.treatment.ladder.map(\.answer) where code == 403 || code == 404 {
            return "answers \(code), on which svcrack tries on without end; ok200 disarm or drop stop it"
        }
        return nil
    }

    private func invites(_ draft: TreatmentDraft) -> String? {
        guard draft.treatment.ladder.contains(where: { $0.answer == .plain200 }) else { return nil }
        let indication = draft.treatment.indication
        if indication.purposes.contains(.enumeration) {
            return
                "answers a plain 200 to an enumeration, which then reports every further user as found; write variant: disarm"
        }
        let methods = indication.methods.map { String(decoding: $0, as: UTF8.self) }
        guard methods.isEmpty || methods.contains("INVITE") || methods.contains("OPTIONS") else { return nil }
        return "answers a plain 200 to INVITE (ACK and BYE follow) or OPTIONS (the server is listed as a target); "
            + "add methods: [REGISTER] under for:"
    }
}

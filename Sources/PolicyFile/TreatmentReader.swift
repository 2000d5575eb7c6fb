import Policy

/// Reads one entry of `treatments`.
enum TreatmentReader {
    static let keys = ["name", "for", "ladder", "hold", "mode"]
    static let indicationKeys = ["tools", "purposes", "methods", "answered"]

    static func read(_ entry: YAMLMapping, _ name: String) -> TreatmentDraft? {
        guard let map = entry.value.mapping(keys) else { return nil }
        let indication = map["for"].map(indication) ?? Indication(tools: [], purposes: [], methods: [], answered: nil)
        let hold = map["hold"].map { $0.duration(.zero...(.seconds(86_400))) } ?? .seconds(600)
        let modes: [(word: String, value: Bool)] = [("enforce", false), ("off", true)]
        let isOff = map["mode"].map { $0.choice(modes) } ?? false
        let rungs = map.required("ladder", "write a list of answers, such as '- {answer: drop}'")?.list(1...16)
        guard let rungs, let indication, let hold, let isOff else { return nil }
        let ladder = rungs.enumerated().map { LadderReader.read($1, isLast: $0 == rungs.count - 1) }
        guard !ladder.contains(where: { $0 == nil }) else { return nil }
        let treatment = Treatment(name: name, indication: indication, ladder: ladder.compactMap { $0 }, hold: hold)
        return TreatmentDraft(treatment: treatment, tools: tools(map["for"]), isOff: isOff, place: nil)
    }

    private static func tools(_ value: YAMLValue?) -> [(name: String, place: Place)] {
        guard let tools = value?.mapping()?["tools"], tools.isScalar || tools.isList else { return [] }
        return (tools.listOrOne() ?? []).compactMap { item in item.string().map { ($0, item.place) } }
    }

    private static func indication(_ value: YAMLValue) -> Indication? {
        guard let map = value.mapping(indicationKeys) else { return nil }
        let tools = map["tools"]?.listOrOne()?.compactMap { $0.string() } ?? []
        let purposes = map["purposes"]?.listOrOne()?.compactMap { $0.choice(Purpose.self) } ?? []
        let methods = map["methods"]?.listOrOne()?.compactMap(method) ?? []
        let answered = map["answered"]?.bool()
        return Indication(
            tools: Set(tools.map { NameID($0) }), purposes: Set(purposes), methods: methods, answered: answered)
    }

    /// The methods of RFC 3261 and its extensions.
    private static let methods = [
        "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO",
        "REFER", "MESSAGE", "UPDATE",
    ]

    static func method(_ value: YAMLValue) -> [UInt8]? {
        value.choice(methods.map { ($0, Array($0.utf8)) })
    }
}

/// Reads one rung of a ladder.
enum LadderReader {
    static let keys = ["answer", "times", "code", "reason", "variant"]

    static func read(_ value: YAMLValue, isLast: Bool) -> Rung? {
        guard let map = value.mapping(keys) else { return nil }
        let times = map["times"].map { $0.integer(1...1000) }
        guard let answer = AnswerReader.read(map), let times = times ?? (isLast ? .some(nil) : missingTimes(value))
        else {
            return nil
        }
        if isLast, let value = map["times"] {
            value.report("the last rung has no end; remove times, or add a rung such as '- {answer: drop}' below it")
        }
        return Rung(answer: answer, times: times)
    }

    private static func missingTimes(_ value: YAMLValue) -> Int?? {
        value.report(
            "'times' is missing; write how often this answer is tried before the next rung, such as 'times: 5'")
        return nil
    }
}

/// Reads an answer: `answer: drop`, `reject` with `code` and `reason`, or `ok200` with `variant`.
enum AnswerReader {
    private enum Kind: String, CaseIterable { case drop, reject, ok200 }
    private enum Variant: String, CaseIterable { case plain, disarm }

    static func read(_ map: YAMLMapping) -> Answer? {
        let words = Kind.allCases.map(\.rawValue).joined(separator: ", ")
        guard let kind = map.required("answer", "write one of \(words)")?.choice(Kind.self) else { return nil }
        for (key, owner) in [("code", Kind.reject), ("reason", .reject), ("variant", .ok200)] where owner != kind {
            map[key]?.report("belongs to 'answer: \(owner.rawValue)'; remove it")
        }
        switch kind {
        case .drop: return .drop
        case .reject: return reject(map)
        case .ok200:
            guard let variant = map.required("variant", "write disarm or plain")?.choice(Variant.self) else {
                return nil
            }
            return variant == .plain ? .plain200 : .disarm200
        }
    }

    private static func reject(_ map: YAMLMapping) -> Answer? {
        guard let code = map.required("code", "write a SIP status code, such as 'code: 603'")?.integer(400...699) else {
            return nil
        }
        guard let value = map["reason"] else { return .reject(code: code, reason: ReasonPhrase.of(code)) }
        guard let reason = value.string() else { return nil }
        let isLine = reason.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard isLine, !reason.isEmpty, reason.utf8.count <= 100 else {
            return value.fail("is not one line of at most 100 bytes; write a reason phrase such as 'Decline'")
        }
        return .reject(code: code, reason: reason)
    }

    /// The answer to banned sources: `drop`, or a map as in a ladder.
    static func banAnswer(_ value: YAMLValue) -> Answer? {
        if value.isScalar {
            return value.word("drop", orElse: "is neither drop nor a map; write one of them") ? .drop : nil
        }
        return value.mapping(LadderReader.keys.filter { $0 != "times" }).flatMap(read)
    }
}

/// Reason phrases of RFC 3261 section 21 for the codes that are used as refusals.
enum ReasonPhrase {
    private static let phrases = [
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone",
        480: "Temporarily Unavailable", 486: "Busy Here", 488: "Not Acceptable Here", 500: "Server Internal Error",
        503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere",
        606: "Not Acceptable", 607: "Unwanted", 608: "Rejected",
    ]

    static func of(_ code: Int) -> String { phrases[code] ?? "Rejected" }
}

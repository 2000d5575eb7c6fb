import Policy
import PolicyFile

/// Reads a scenario file; every mistake in it is in what is thrown.
public struct ScenarioReader {
    private let folder: String
    private let name: String
    private let reader: YAMLReader

    private static let keys = ["title", "kind", "source", "goal", "faces", "makes", "registrar", "actors"]

    private init(folder: String, name: String, file: String) {
        (self.folder, self.name) = (folder, name)
        reader = YAMLReader(file: file)
    }

    /// The scenarios of a file of the corpus in `folder`: one for each of its variants.
    public static func read(_ path: String, in folder: String) throws(FileProblems) -> [Scenario] {
        let file = "\(folder)/\(path)"
        let name = path.split(separator: "/").last.map { String($0.prefix { $0 != "." }) } ?? path
        let text = try TextFile.read(path: file)
        let reader = ScenarioReader(folder: folder, name: name, file: file)
        let scenarios = reader.scenarios(text)
        try reader.reader.check()
        return scenarios
    }

    private func scenarios(_ text: String) -> [Scenario] {
        guard let map = reader.root(of: text)?.mapping(Self.keys) else { return [] }
        let faces: [Face] = map["faces"]?.list(1...3)?.compactMap { $0.choice() } ?? []
        let makes = map["makes"]?.list(1...64)?.compactMap { $0.string() } ?? []
        if !makes.isEmpty { return makes.compactMap { scenario(map, "/\($0)", .default, make: $0) } }
        return faces.isEmpty
            ? [scenario(map, "", .default, make: nil)].compactMap { $0 }
            : faces.compactMap { scenario(map, "/\($0.rawValue)", $0, make: nil) }
    }

    private func scenario(_ map: YAMLMapping, _ suffix: String, _ face: Face, make: String?) -> Scenario? {
        guard let title = map.required("title", "say in a line what happens")?.string(),
            let kind: Scenario.Kind = map.required("kind", "write attack or customer")?.choice(),
            let source = map.required("source", "say where the knowledge comes from")?.string(),
            let list = map.required("actors", "say who sends what")?.list(1...64)
        else { return nil }
        let goal = map["goal"].flatMap(goal)
        if kind == .attack, goal == nil {
            map.value.report("'goal' is missing; write messages, failures, recognised or none with a reason")
        }
        let actors = list.compactMap {
            ActorReader(folder: folder, face: face, make: make, isAttack: kind == .attack).actor($0)
        }
        let registrar = registrar(map["registrar"], actors)
        return Scenario(
            name: name + suffix, title: title, kind: kind, source: source, goal: goal, registrar: registrar,
            actors: actors)
    }

    private func goal(_ value: YAMLValue) -> Goal? {
        guard let map = value.mapping(["messages", "failures", "recognised", "none"]) else { return nil }
        if let messages = map["messages"]?.integer(1...1_000_000) { return .messages(messages) }
        if let failures = map["failures"]?.integer(1...1_000_000) { return .failures(failures) }
        if let failures = map["recognised"]?.integer(1...1_000_000) { return .recognised(failures) }
        return map["none"]?.string().map { .none(why: $0) }
    }

    /// Accounts of customers exist; those of attackers exist where the registrar names them.
    private func registrar(_ value: YAMLValue?, _ actors: [Actor]) -> Registrar {
        var registrar = Registrar()
        registrar.accounts = Set(actors.flatMap(\.accounts))
        guard let map = value?.mapping(["accounts", "leaks", "trusts"]) else { return registrar }
        for item in map["accounts"]?.listOrOne() ?? [] { registrar.accounts.formUnion(item.users() ?? []) }
        registrar.leaks = map["leaks"]?.bool() ?? false
        registrar.trusts = map["trusts"]?.listOrOne()?.compactMap { $0.prefix() } ?? []
        return registrar
    }
}

extension YAMLValue {
    /// A user, or users written as `1000-1499`.
    func users() -> [String]? {
        guard let text = string() else { return nil }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Int(ends[0]), let last = Int(ends[1]) else { return [text] }
        guard first <= last, last - first < 100_000 else { return fail("'\(text)' is not a range of users") }
        let width = ends[0].count
        return (first...last).map { number in
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
    }
}

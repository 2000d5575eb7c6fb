import Policy
import PolicyFile

/// Reads one of a scenario's actors.
struct ActorReader {
    let folder: String
    let face: Face
    /// The message file that `message: make` stands for.
    let make: String?
    let isAttack: Bool

    private static let keys = [
        "name", "role", "devices", "from", "from_each", "port", "transport", "accounts", "tries", "dials", "password",
        "right_at_first", "wrong_at_first", "may_wait", "retransmits", "nonce", "device", "exchange", "call_each",
        "digest", "message", "send", "start", "spread", "every", "jitter", "count", "reacts",
    ]
    private static let digest =
        #"{auth_header}: Digest username="{user}", realm="{domain}", nonce="{hex:32}", uri="{ruri}", "#
        + #"response="{hex:32}", algorithm=MD5"#

    func actor(_ value: YAMLValue) -> Actor? {
        guard let map = value.mapping(Self.keys) else { return nil }
        var actor = Actor()
        actor.name = map["name"]?.string() ?? ""
        actor.isAttacker = map["role"]?.choice([("attacker", true), ("customer", false)]) ?? isAttack
        actor.devices = map["devices"]?.integer(1...5000) ?? 1
        actor.origin = origin(map)
        actor.port = map["port"]?.integer(1...65535) ?? 5060
        actor.transport = map["transport"]?.choice() ?? .udp
        readCredentials(map, &actor)
        actor.schedule = schedule(map)
        if let reacts = map["reacts"] { actor.reaction = reaction(reacts) }
        if let steps = map["send"]?.list(1...32) { actor.steps = steps.compactMap(step) }
        readForms(map, &actor)
        return actor
    }

    private func readCredentials(_ map: YAMLMapping, _ actor: inout Actor) {
        actor.accounts = map["accounts"]?.listOrOne()?.flatMap { $0.users() ?? [] } ?? []
        actor.password = map["password"]?.choice() ?? (actor.accounts.isEmpty ? .none : .right)
        actor.rightAtFirst = map["right_at_first"]?.integer(1...100_000) ?? 0
        actor.wrongAtFirst = map["wrong_at_first"]?.integer(1...100_000) ?? 0
        actor.mayWait = map["may_wait"]?.bool() ?? false
        actor.retransmits = map["retransmits"]?.bool() ?? (!actor.isAttacker && actor.transport == .udp)
        actor.keepsNonce = map["nonce"]?.choice([("kept", true), ("fresh", false)]) ?? false
    }

    private func origin(_ map: YAMLMapping) -> Origin {
        var (addresses, networks): ([IPAddress], [Prefix]) = ([], [])
        for value in map.required("from", "write an address, a range or a network")?.listOrOne() ?? [] {
            guard let text = value.string() else { continue }
            if let found = Origin.addresses(text) {
                addresses += found
            } else if let network = value.prefix() {
                networks.append(network)
            }
        }
        if !addresses.isEmpty, !networks.isEmpty { map["from"]?.report("mixes addresses and networks; write one kind") }
        if addresses.isEmpty { addresses = [IPAddress(v4: 0)] }
        return Origin(addresses: addresses, networks: networks, each: map["from_each"]?.choice() ?? .device)
    }

    private func schedule(_ map: YAMLMapping) -> Schedule {
        var schedule = Schedule()
        schedule.start = map["start"]?.duration() ?? .zero
        schedule.spread = map["spread"]?.duration() ?? .zero
        schedule.every = map["every"]?.duration() ?? .seconds(1)
        schedule.jitter = map["jitter"]?.integer(0...100) ?? 0
        schedule.count = map["count"]?.integer(1...100_000) ?? 1
        return schedule
    }

    private func reaction(_ value: YAMLValue) -> Reaction {
        guard value.isMapping else {
            _ = value.choice([("never", ())])
            return .never
        }
        var reaction = Reaction()
        guard let map = value.mapping(["disarm", "ok200", "reject", "silence", "waits"]) else { return reaction }
        let words = [("stops", true), ("goes-on", false)]
        reaction.stopsAtDisarm = map["disarm"]?.choice(words) ?? false
        reaction.stopsAtOK = map["ok200"]?.choice(words) ?? false
        reaction.stopsAtReject = map["reject"]?.choice(words) ?? false
        reaction.patience = map["silence"]?.duration()
        reaction.waits = map["waits"]?.bool() ?? false
        return reaction
    }

    private func step(_ value: YAMLValue) -> Step? {
        var step = Step()
        if value.isScalar {
            step.method = value.string() ?? ""
            return step
        }
        guard let map = value.mapping(["method", "after", "expires", "password", "dialog"]) else { return nil }
        step.method = map.required("method", "write a SIP method")?.string() ?? ""
        step.after = map["after"]?.duration() ?? step.after
        step.expires = map["expires"]?.integer(0...100_000)
        step.password = map["password"]?.choice()
        step.isInDialog = map["dialog"]?.bool() ?? false
        return step
    }

    /// What is made of placeholders; values must be declared before they are used.
    private func readForms(_ map: YAMLMapping, _ actor: inout Actor) {
        var names = Words.names
        actor.deviceValues = forms(map["device"], &names)
        actor.exchangeValues = forms(map["exchange"], &names)
        actor.tries = users(map["tries"], names)
        actor.dials = users(map["dials"], names)
        if actor.accounts.isEmpty == actor.tries.isEmpty { map.value.report("needs either 'accounts' or 'tries'") }
        actor.callEach = map["call_each"]?.choice() ?? .device
        actor.digest = map["digest"].flatMap { template($0, names) } ?? (try? Template(Self.digest, names: names))
        actor.message = map.required("message", "write the message, or the name of its file")
            .flatMap { message($0, names) }
    }

    private func forms(_ value: YAMLValue?, _ names: inout Set<String>) -> [(name: String, form: Template)] {
        (value?.mapping()?.entries ?? []).compactMap { entry in
            defer { names.insert(entry.key) }
            return template(entry.value, names).map { (entry.key, $0) }
        }
    }

    private func users(_ value: YAMLValue?, _ names: Set<String>) -> [Template] {
        (value?.listOrOne() ?? []).flatMap { item in
            (item.users() ?? []).compactMap { template($0, item, names) }
        }
    }

    private func template(_ value: YAMLValue, _ names: Set<String>) -> Template? {
        value.string().flatMap { template($0, value, names) }
    }

    private func template(_ text: String, _ value: YAMLValue, _ names: Set<String>) -> Template? {
        do throws(Template.Mistake) {
            return try Template(text, names: names)
        } catch {
            return value.fail(error.description)
        }
    }

    /// The message itself, or what stands in `messages/NAME.sip`.
    private func message(_ value: YAMLValue, _ names: Set<String>) -> Template? {
        guard let text = value.string() else { return nil }
        guard !text.contains("\n") else { return template(face.dress(text), value, names) }
        let name = text == "make" ? make ?? text : text
        do throws(FileProblems) {
            return template(face.dress(try TextFile.read(path: "\(folder)/messages/\(name).sip")), value, names)
        } catch {
            return value.fail(error.description)
        }
    }
}

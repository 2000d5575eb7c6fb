import Guard
import Policy
import PolicyFile
import Repeatable
import Replay

/// Plays a scenario through the real engine with real tables, in the scenario's own time.
public final class Stage {
    /// A scenario that sends more is cut off here, and its figures say so by their count.
    public static let mostMessages = 10_000
    /// Enough for every source of a scenario; the counts of a full table would depend on chance.
    private static let memory = Simulation.defaultMemory
    private static let beginning = Instant(microseconds: 1_000_000_000_000)

    private let simulation: Simulation
    private let scenario: Scenario
    private var devices: [Device] = []
    private var agenda = Agenda()
    private var attack = AttackFigures()
    private var customers = CustomerFigures()
    private var failures = 0
    private var leases = Leases()
    private let most: Int

    /// - Parameter most: messages after which the curtain falls.
    public init(
        _ scenario: Scenario, policy: PolicyDocument = .builtIn, place: Place = .written, seed: UInt64 = 1,
        most: Int = mostMessages
    ) {
        (self.scenario, self.most) = (scenario, most)
        simulation = Simulation(policy: policy, own: [Prefix(place.serverAddress)], memory: Self.memory)
        for (index, actor) in scenario.actors.enumerated() {
            for number in 0..<actor.devices {
                let random = SeededRandom(seed: seed, index, number)
                var device = Device(actor, number: number, place: place, random: random)
                agenda.add(device.start(after: Self.beginning), devices.count)
                devices.append(device)
            }
        }
    }

    /// Plays it to its end.
    public func play() -> Figures {
        while let (instant, index) = agenda.next(), attack.sent + customers.requests < most {
            let message = devices[index].send(at: instant)
            let reply = deliver(message, at: instant)
            if let next = devices[index].hear(reply, of: message, at: instant) { agenda.add(next, index) }
        }
        return Figures(
            attack: scenario.hasAttackers ? attack : nil, customers: scenario.hasCustomers ? customers : nil)
    }

    private func deliver(_ message: Message, at now: Instant) -> Reply {
        message.bytes.withUnsafeBufferPointer { bytes in
            var facts = RequestFacts(source: message.source)
            facts.transport = message.transport
            MessageReader.read(bytes, into: &facts)
            if leases.hold(facts, at: now) {
                simulation.report(.dropped, facts, at: now)
                count(message, .drop, by: "a lease", facts, at: now)
                return .silence
            }
            let decision = simulation.check(facts, at: now)
            if let lease = decision.lease { leases.add(lease, facts, at: now) }
            count(message, decision.answer, by: decision.rule, facts, at: now)
            guard decision.answer == .pass else { return Reply(decision.answer) }
            let reply = scenario.registrar.reply(to: facts, message.credentials)
            report(reply, facts, message, at: now)
            return .passed(reply.answer)
        }
    }

    /// As `sipguard_report` of integrations/kamailio/sipguard.lua does.
    private func report(_ reply: Registrar.Reply, _ facts: RequestFacts, _ message: Message, at now: Instant) {
        guard let outcome = reply.outcome else { return }
        if message.isAttack, outcome == .authFailed || outcome == .unknownUser { failures += 1 }
        var told = RequestFacts(source: facts.source)
        told.transport = facts.transport
        told[.method] = facts[.method]
        told[.callID] = facts[.callID]
        told[.fromUser] = facts[.fromUser]
        if !reply.user.isEmpty { told[.authUser] = reply.user }
        simulation.report(outcome, told, at: now)
        if message.isAttack { recognise() }
    }

    private func count(_ message: Message, _ answer: Answer, by rule: String, _ facts: RequestFacts, at now: Instant) {
        let passes = answer == .pass
        guard message.isAttack else { return countCustomer(message, answer, by: rule, facts, at: now) }
        attack.sent += 1
        recognise()
        if passes {
            attack.passed += 1
        } else if attack.messages == nil {
            (attack.messages, attack.failures) = (attack.sent, failures)
        }
    }

    private func countCustomer(
        _ message: Message, _ answer: Answer, by rule: String, _ facts: RequestFacts, at now: Instant
    ) {
        if message.transmission == 0 { customers.requests += 1 }
        if answer == .pass {
            if message.transmission > 0 { customers.delayed += 1 }
        } else if answer != .drop || !message.isRepeatable {
            if message.isVain { customers.vain += 1 } else { refuse(answer, by: rule, facts, now) }
        }
    }

    private func recognise() {
        if attack.recognised == nil, simulation.incidents > 0 { attack.recognised = failures }
    }

    private func refuse(_ answer: Answer, by rule: String, _ facts: RequestFacts, _ now: Instant) {
        customers.refused += 1
        guard customers.firstRefusal == nil else { return }
        let seconds = (now - Self.beginning).microseconds / 1_000_000
        customers.firstRefusal =
            "\(facts[.method].text) of \(facts.user.text) from \(facts.source) after \(seconds) s: "
            + "\(answer.verdict.name) by \(rule)"
    }
}

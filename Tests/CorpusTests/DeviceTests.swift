import Policy
import Repeatable
import Testing

@testable import Corpus

@Suite struct DeviceTests {
    private static let message = "{method} {ruri} SIP/2.0\nFrom: <sip:{user}@{domain}>\nTo: <{to}>{to_tag}\n{auth}\n"

    private func actor(_ change: (inout Actor) -> Void = { _ in }) throws -> Actor {
        var actor = Actor()
        actor.origin = Origin(addresses: [IPAddress("198.51.100.7")!], networks: [], each: .device)
        actor.accounts = ["2001"]
        actor.digest = try Template("Authorization: {user}", names: Words.names)
        actor.message = try Template(Self.message, names: Words.names)
        actor.steps = [Step(method: "REGISTER")]
        actor.schedule.count = 3
        change(&actor)
        return actor
    }

    private func device(_ actor: Actor) -> Device {
        Device(actor, number: 0, place: .written, random: SeededRandom(seed: 1))
    }

    /// What is sent until the device stops, with the time in ms.
    private func play(_ actor: Actor, _ reply: (Message) -> Reply) -> [(at: Int64, message: Message)] {
        var device = device(actor)
        var next: Instant? = device.start(after: Instant(microseconds: 0))
        var sent: [(at: Int64, message: Message)] = []
        while let now = next, sent.count < 50 {
            let message = device.send(at: now)
            sent.append((now.microseconds / 1000, message))
            next = device.hear(reply(message), of: message, at: now)
        }
        return sent
    }

    private func challenge(_ message: Message) -> Reply {
        message.credentials == .right ? .passed(.accepted) : .passed(.challenge)
    }

    @Test func aChallengeIsAnsweredAtOnce() throws {
        let sent = play(try actor(), challenge)
        #expect(sent.map(\.at) == [0, 20, 1000, 1020, 2000, 2020])
        #expect(sent.map(\.message.credentials) == [.none, .right, .none, .right, .none, .right])
        #expect(String(decoding: sent[1].message.bytes, as: UTF8.self).contains("Authorization: 2001\r\n"))
    }

    @Test func aKeptNonceRunsOut() throws {
        let sent = play(
            try actor {
                $0.keepsNonce = true
                $0.schedule.every = .seconds(200)
            }, challenge)
        #expect(sent.map(\.message.credentials) == [.none, .right, .right, .stale, .right])
    }

    @Test func aWrongPasswordIsNotTriedTwiceInOneExchange() throws {
        let sent = play(
            try actor {
                $0.rightAtFirst = 1
                $0.wrongAtFirst = 1
            }, challenge)
        #expect(sent.map(\.message.credentials) == [.none, .right, .none, .wrong, .none, .right])
    }

    @Test func nothingIsSaidInADialogThatWasNotMade() throws {
        let actor = try actor {
            $0.steps = [Step(method: "INVITE"), Step(method: "BYE", isInDialog: true)]
            $0.schedule.count = 1
        }
        #expect(play(actor) { _ in .silence }.count == 1)
        let sent = play(actor) { $0.method == "BYE" ? .passed(.accepted) : challenge($0) }
        #expect(sent.map(\.message.method) == ["INVITE", "INVITE", "BYE"])
    }

    @Test(arguments: [
        (Reaction(stopsAtDisarm: true), Reply.disarm, 1), (Reaction(stopsAtDisarm: true), .ok200, 3),
        (Reaction(stopsAtOK: true), .ok200, 1), (Reaction(stopsAtReject: true), .reject, 1),
        (Reaction(patience: .milliseconds(500)), .silence, 3), (Reaction(waits: true), .silence, 1),
        (Reaction.never, .disarm, 3),
    ])
    func aToolStopsAtWhatStopsIt(reaction: Reaction, reply: Reply, messages: Int) throws {
        #expect(play(try actor { $0.reaction = reaction }) { _ in reply }.count == messages)
    }

    @Test func aToolThatHadAnAnswerGoesOnForItsPatience() throws {
        let actor = try actor {
            $0.password = .none
            $0.reaction = Reaction(patience: .milliseconds(1500))
            $0.schedule.count = 10
        }
        var replies: [Reply] = [.passed(.notFound)]
        #expect(play(actor) { _ in replies.popLast() ?? .silence }.map(\.at) == [0, 1000, 2000])
    }

    @Test(arguments: [
        (Lifetime.device, 1), (.exchange, 3), (.message, 6),
    ])
    func aNewAddressComesWithEach(lifetime: Lifetime, addresses: Int) throws {
        let network = Prefix("2001:db8:0:7::/64")!
        let actor = try actor { $0.origin = Origin(addresses: [], networks: [network], each: lifetime) }
        let sources = Set(play(actor, challenge).map(\.message.source))
        #expect(sources.count == addresses)
        #expect(sources.allSatisfy(network.contains))
    }
}

@Suite struct RegistrarTests {
    private static let registrar: Registrar = {
        var registrar = Registrar()
        registrar.accounts = ["2001"]
        registrar.trusts = [Prefix("203.0.113.20")!]
        return registrar
    }()

    private func outcome(
        _ message: String, _ credentials: Credentials, from source: String = "198.51.100.7",
        leaks: Bool = false
    ) -> Outcome? {
        var registrar = Self.registrar
        registrar.leaks = leaks
        return Array(message.utf8).withUnsafeBufferPointer { bytes in
            var facts = RequestFacts(source: IPAddress(source)!)
            MessageReader.read(bytes, into: &facts)
            return registrar.reply(to: facts, credentials).outcome
        }
    }

    private static func register(_ user: String, _ more: String = "") -> String {
        "REGISTER sip:x SIP/2.0\r\nFrom: <sip:\(user)@x>;tag=1\r\nTo: <sip:\(user)@x>\r\n\(more)"
    }

    private static func authorization(_ user: String) -> String { "Authorization: Digest username=\"\(user)\"\r\n" }

    @Test func itReportsWhatTheKamailioIntegrationReports() {
        let known = Self.register("2001", Self.authorization("2001"))
        #expect(outcome(Self.register("2001"), .none) == .challenged)
        #expect(outcome(known, .stale) == .challenged)
        #expect(outcome(known, .wrong) == .authFailed)
        #expect(outcome(known, .right) == .authOK)
        #expect(outcome(Self.register("9"), .none) == .challenged)
        #expect(outcome(Self.register("9", Self.authorization("9")), .wrong) == .unknownUser)
        #expect(outcome(Self.register("9"), .none, leaks: true) == .unknownUser)
        #expect(outcome(Self.register("9"), .none, from: "203.0.113.20") == nil)
        #expect(outcome("BYE sip:x SIP/2.0\r\nTo: <sip:2001@x>;tag=2\r\n", .none) == nil)
    }

    @Test func aLeakIsAboutWhomTheRequestIsFor() {
        let invite = "INVITE sip:9@x SIP/2.0\r\nFrom: <sip:2001@x>;tag=1\r\nTo: <sip:2001@x>\r\n"
        #expect(outcome(invite, .none, leaks: true) == .unknownUser)
        #expect(outcome(invite.replacing("sip:9@x", with: "sip:2001@x"), .none, leaks: true) == .challenged)
    }
}

extension Message {
    fileprivate var method: String { String(decoding: bytes.prefix { $0 != 0x20 }, as: UTF8.self) }
}

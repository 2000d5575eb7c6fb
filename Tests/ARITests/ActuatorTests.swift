import Guard
import JSON
import Loopback
import Policy
import PolicyFile
import RPC
import Synchronization
import Testing

@testable import ARI

/// An actuator with the engine that it follows and an Asterisk that it changes.
private final class Scene {
    private final class Events: Sendable {
        let list = Mutex<[ActuatorEvent]>([])
        @Sendable func add(_ event: ActuatorEvent) { list.withLock { $0.append(event) } }
    }

    let asterisk = FakeAsterisk()
    let state: GuardState
    let actuator: Actuator
    let tried = TriedUsers()
    private let heard = Events()
    private let decider: Decider
    private let dispatcher: Dispatcher

    var events: [ActuatorEvent] { heard.list.withLock { $0 } }

    init(policy: String = "version: 1\nextends: default\n", most: Int = 200, running: Bool = true) throws {
        let document = try PolicyDocument.parse(text: policy, name: "test.yaml")
        state = GuardState(
            policy: LoadedPolicy(document: document, path: nil, loadedAt: Clock.now), memory: 4 << 20, version: "test")
        decider = Decider(state)
        dispatcher = Dispatcher(service: GuardService(state: state), caller: Caller(listener: "test", role: .admin))
        var settings = Honeypot.Settings(domains: ["pbx.example.com"])
        settings.mostSources = most
        var timing = Actuator.Timing()
        (timing.look, timing.probe) = (.milliseconds(10), .milliseconds(30))
        timing.answer = .seconds(60)
        (timing.firstRetry, timing.lastRetry) = (.milliseconds(5), .milliseconds(20))
        actuator = try #require(
            Actuator(
                account: RESTAccount(host: "127.0.0.1", port: asterisk.port, user: "guard", secret: "pw"),
                settings: settings, state: state, tried: tried, timing: timing, onEvent: heard.add))
        if running { #expect(actuator.start() == 0) }
    }

    deinit {
        actuator.stop()
        asterisk.stop()
    }

    func report(_ outcome: Outcome, _ user: String, from source: String, times: Int = 1) {
        var facts = RequestFacts(source: IPAddress(source)!)
        facts.transport = .udp
        Array(user.utf8).withUnsafeBufferPointer { user in
            facts[.authUser] = user
            for _ in 0..<times {
                if outcome != .authOK { tried.note(facts.source, user.text) }
                decider.report(outcome, facts)
            }
        }
    }

    func guess(_ user: String = "1000", from source: String = "203.0.113.9") {
        report(.authFailed, user, from: source, times: 9)
    }

    func call(_ method: String, _ params: JSONValue) throws {
        let request: JSONValue = ["jsonrpc": "2.0", "id": 1, "method": .string(method), "params": params]
        var reply = JSONWriter()
        var bytes = Array(request.text.utf8)
        bytes.withUnsafeMutableBytes { dispatcher.answer(UnsafeRawBufferPointer($0), into: &reply) }
        #expect(try JSONValue(parsing: reply.text)["result"] != nil)
    }
}

@Suite struct ActuatorTests {
    @Test func aGuesserIsAnsweredByAsterisk() throws {
        let scene = try Scene()
        scene.guess()
        #expect(eventually { scene.asterisk.matches == ["203.0.113.9"] })
        let (objects, names) = (scene.asterisk.objects, scene.asterisk.names)
        #expect(names.count == 3 && names[0] == "aor/1000@pbx.example.com")
        #expect(names[1].hasPrefix("endpoint/sipguardd-") && names[1].count == "endpoint/sipguardd-".count + 16)
        #expect(objects[names[1]]?["aors"] == "1000@pbx.example.com" && objects[names[1]]?["auth"] == nil)
        #expect(objects[names[2]]?["endpoint"].map { "endpoint/\($0)" } == names[1])
        #expect(scene.events == [.entered(source: Prefix("203.0.113.9")!, rule: "password-guessing-burst")])
    }

    @Test func whoTriesManyUsersFindsEachOfTheLastOnes() throws {
        let scene = try Scene()
        for user in 0..<40 { scene.report(.unknownUser, "\(1000 + user)", from: "203.0.113.9") }
        #expect(eventually { scene.asterisk.matches == ["203.0.113.9"] })
        #expect(scene.asterisk.names.count { $0.hasPrefix("aor/") } >= 2)
    }

    @Test func aSourceThatIsForgottenLeavesAtOnce() throws {
        let scene = try Scene()
        scene.guess()
        scene.guess(from: "203.0.113.10")
        #expect(eventually { scene.asterisk.matches == ["203.0.113.10", "203.0.113.9"] })
        try scene.call("source.forget", ["source": "203.0.113.9"])
        #expect(eventually { scene.asterisk.matches == ["203.0.113.10"] })
        try scene.call("source.forget", ["source": "203.0.113.10"])
        #expect(eventually { scene.asterisk.objects.isEmpty })
        #expect(scene.events.contains(.left(source: Prefix("203.0.113.9")!)))
    }

    @Test func aSourceLeavesWhenItsTreatmentEnds() throws {
        let policy = """
            version: 1
            treatments:
              - { name: short, for: { purposes: [cracking] }, ladder: [ { answer: ok200, variant: plain } ], hold: 4s }
              - { name: rest, ladder: [ { answer: drop } ], hold: 1s }
            limits:
              - { name: guessing, key: [source], count: auth_failed, limit: 8 per 10s, purpose: cracking }
            """
        let scene = try Scene(policy: policy)
        scene.guess()
        #expect(eventually { scene.asterisk.matches == ["203.0.113.9"] })
        #expect(eventually { scene.asterisk.objects.isEmpty })
        #expect(scene.events.last == .left(source: Prefix("203.0.113.9")!))
    }

    @Test(arguments: ["allow.add", "ban.add"])
    func aSourceLeavesWhenSomebodyDecidesOtherwise(method: String) throws {
        let scene = try Scene()
        scene.guess()
        #expect(eventually { scene.asterisk.matches == ["203.0.113.9"] })
        try scene.call(method, ["address": "203.0.113.0/24"])
        #expect(eventually { scene.asterisk.objects.isEmpty })
    }

    /// Behind its address there is a phone that has logged in: it would lose its registration.
    @Test func aTrustedSourceIsLeftAlone() throws {
        let scene = try Scene()
        scene.report(.authOK, "2000", from: "203.0.113.9")
        scene.report(.authFailed, "1000", from: "203.0.113.9", times: 300)
        scene.guess(from: "203.0.113.10")
        #expect(eventually { scene.asterisk.matches == ["203.0.113.10"] })
    }

    @Test(arguments: ["mode: shadow", "limits:\n  - { name: password-guessing-burst, mode: shadow }"])
    func shadowModeTouchesNothing(line: String) throws {
        let scene = try Scene(policy: "version: 1\nextends: default\n\(line)\n")
        scene.guess()
        scene.actuator.stop()
        #expect(scene.events.isEmpty && scene.asterisk.objects.isEmpty)
    }

    @Test func aTreatmentWithAnotherAnswerIsNotApplied() throws {
        let policy = """
            version: 1
            treatments: [ { name: rest, ladder: [ { answer: drop } ], hold: 10m } ]
            limits:
              - { name: guessing, key: [source], count: auth_failed, limit: 8 per 10s, purpose: cracking }
            """
        let scene = try Scene(policy: policy)
        scene.guess()
        scene.actuator.stop()
        #expect(scene.events.isEmpty && scene.asterisk.objects.isEmpty)
    }

    @Test func asteriskIsGivenAllAgainAfterItsRestart() throws {
        let scene = try Scene()
        scene.guess()
        #expect(eventually { scene.asterisk.matches == ["203.0.113.9"] })
        let before = scene.asterisk.objects.filter { !$0.key.hasPrefix("identify/") }
        scene.asterisk.restart()
        scene.actuator.asteriskMayHaveRestarted()
        #expect(eventually { scene.asterisk.matches == ["203.0.113.9"] })
        #expect(scene.asterisk.objects.filter { !$0.key.hasPrefix("identify/") } == before)
    }

    @Test func failuresAreSaidOnceAndMadeGood() throws {
        let scene = try Scene()
        #expect(eventually { scene.asterisk.requestCount >= 2 })
        scene.asterisk.fail(with: 503)
        scene.guess()
        let begun = scene.asterisk.requestCount
        #expect(eventually { scene.asterisk.requestCount > begun + 5 })
        scene.asterisk.fail(with: nil)
        #expect(eventually { scene.asterisk.matches == ["203.0.113.9"] })
        #expect(eventually { scene.events.contains(.workingAgain) })
        #expect(scene.events.count { $0 == .failing("Asterisk's REST interface answers 503") } == 1)
    }

    @Test func moreSourcesThanAllowedStayOutside() throws {
        let scene = try Scene(most: 2)
        for last in 1...4 { scene.guess(from: "203.0.113.\(last)") }
        #expect(eventually { scene.events.contains(.full(2)) && scene.asterisk.matches.count == 2 })
        #expect(scene.events.count { $0 == .full(2) } == 1)
    }

    @Test func nothingIsLeftBehindAtTheEnd() throws {
        let scene = try Scene()
        scene.guess()
        scene.guess("1001", from: "203.0.113.10")
        #expect(eventually { scene.asterisk.matches.count == 2 })
        scene.actuator.stop()
        #expect(scene.asterisk.objects.isEmpty)
    }

    @Test func whatAnEarlierRunLeftIsTakenAway() throws {
        let scene = try Scene(running: false)
        scene.asterisk.state.withLock { $0.objects = ["identify/sipguardd-0": ["match": "192.0.2.1"]] }
        #expect(scene.actuator.start() == 0)
        #expect(eventually { scene.asterisk.objects.isEmpty })
    }

    @Test func triedUsersAreBounded() {
        let tried = TriedUsers(limit: 3)
        for user in 0..<20 { tried.note(IPAddress("203.0.113.1")!, "\(user)") }
        #expect(tried.users(of: Prefix("203.0.113.1")!) == (12..<20).map(String.init))
        for last in 2...4 { tried.note(IPAddress("203.0.113.\(last)")!, "7") }
        #expect(tried.users(of: Prefix("203.0.113.1")!).isEmpty)
        #expect(tried.users(of: Prefix("203.0.113.4")!) == ["7"])
        tried.note(IPAddress("2001:db8::1")!, "8")
        tried.note(IPAddress("2001:db8::2")!, "9")
        #expect(Set(tried.users(of: Prefix("2001:db8::/64")!)) == ["8", "9"])
    }
}

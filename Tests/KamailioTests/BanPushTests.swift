import Glibc
import JSON
import Policy
import PolicyFile
import Synchronization
import Testing

@testable import Guard
@testable import Kamailio

/// A table of Kamailio's in the shape of its datagram socket; a test tells how it behaves.
final class FakeKamailio: Sendable {
    struct Table: Sendable {
        var entries: [String: Int64] = [:]
        /// What entries have counted and nobody has taken.
        var counted: [String: Int64] = [:]
        var calls: [String] = []
        /// How often the seal was asked for.
        var looks = 0
        var isHung = false
        var isGarbage = false
    }

    let path: String
    let table = Mutex(Table())
    let folder: String
    private let descriptor: Int32

    init() {
        var template = Array("/tmp/sipguardd-test-XXXXXX".utf8CString)
        folder = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        path = folder + "/rpc.sock"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        _ = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        // Shorter than the push looks, or there would be no end of what comes.
        var limit = timeval(tv_sec: 0, tv_usec: 5_000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
        for file in [path, folder + "/policy.yaml"] { unlink(file) }
        rmdir(folder)
    }

    /// Answers for a moment: until nothing comes within the time of a receive, or somebody asks without a pause.
    func serve() {
        let end = ContinuousClock.now + .milliseconds(50)
        var bytes = [UInt8](repeating: 0, count: 65_536)
        var from = sockaddr_un()
        var size = socklen_t(MemoryLayout<sockaddr_un>.size)
        while ContinuousClock.now < end {
            size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let count = withUnsafeMutablePointer(to: &from) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(descriptor, &bytes, bytes.count, 0, $0, &size)
                }
            }
            guard count > 0, let call = try? JSONValue(parsing: String(decoding: bytes[..<count], as: UTF8.self)) else {
                return
            }
            guard let answer = answer(call) else { continue }
            let text = Array(answer.utf8)
            _ = withUnsafePointer(to: &from) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(descriptor, text, text.count, 0, $0, size)
                }
            }
        }
    }

    private func answer(_ call: JSONValue) -> String? {
        let params = call["params"]?.array ?? []
        let key = params.count > 1 ? params[1].string ?? "" : ""
        return table.withLock { table in
            guard !table.isHung else { return nil }
            guard !table.isGarbage else { return "{" }
            let method = call["method"]?.string ?? ""
            if method != "htable.get" { table.calls.append(key.hasPrefix("sipguardd") ? "seal" : "\(method) \(key)") }
            if method == "htable.get", key.hasPrefix("sipguardd") { table.looks += 1 }
            var isKnown = true
            let item: JSONValue = ["item": ["name": .string(key), "value": .int(table.counted[key] ?? 0)]]
            switch method {
            case "htable.get": isKnown = table.entries[key] != nil
            case "htable.flush": (table.entries, table.counted) = ([:], [:])
            case "htable.delete":
                isKnown = table.entries.removeValue(forKey: key) != nil
                table.counted[key] = nil
            default: table.entries[key] = params.last?.int64 ?? 0
            }
            let result: JSONValue = method == "htable.get" ? item : "Ok"
            let outcome: JSONObject = isKnown ? ["result": result] : ["error": ["code": 500, "message": "no such key"]]
            var reply: JSONObject = ["jsonrpc": "2.0", "id": call["id"] ?? .null]
            for member in outcome.members { reply[member.key] = member.value }
            return JSONValue.object(reply).text
        }
    }

    /// The pushed addresses.
    var pushed: Set<String> { Set(table.withLock { $0.entries.keys }.filter { !$0.hasPrefix("sipguardd") }) }
}

/// The push against a table of its own; Tests/Integration/test_push.py has the real Kamailio.
@Suite(.serialized) struct BanPushTests {
    private let kamailio: FakeKamailio
    private let state: GuardState
    private let policyPath: String
    private let events = Events()

    final class Events: Sendable {
        let all = Mutex<[PushEvent]>([])
        var seen: [PushEvent] { all.withLock { $0 } }
    }

    init() throws {
        kamailio = FakeKamailio()
        policyPath = kamailio.folder + "/policy.yaml"
        try Self.write(mode: "enforce", to: policyPath)
        let policy = LoadedPolicy(
            document: try PolicyDocument.load(path: policyPath), path: policyPath, loadedAt: Clock.now)
        state = GuardState(policy: policy, memory: 4 << 20, version: "test")
    }

    private static func write(mode: String, to path: String) throws {
        let text = """
            version: 1
            extends: default
            mode: \(mode)
            ban: { after: 3 }
            own_addresses: [203.0.113.1/32, 2001:db8:3::7/128]

            """
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
    }

    /// With patience enough for a machine that is busy, unless Kamailio is not to answer.
    private func push(
        most: Int = 100, look: Duration = .milliseconds(20), search: Duration = .seconds(60), news: Int = 1024,
        patience: Duration = .seconds(20)
    ) throws -> BanPush {
        var (timing, table) = (BanPush.Timing(), KamailioTable(socket: kamailio.path))
        (timing.look, timing.firstRetry, timing.lastRetry) = (look, .milliseconds(20), .milliseconds(20))
        (timing.answer, timing.search, table.most) = (patience, search, most)
        let events = events
        let push = BanPush(table: table, state: state, timing: timing, news: news) { event in
            events.all.withLock { $0.append(event) }
        }
        return try #require(push)
    }

    private func attack(_ source: String, count: Int = 3) {
        let decider = Decider(state)
        var agent = Array("friendly-scanner".utf8)
        agent.withUnsafeMutableBufferPointer { bytes in
            var facts = RequestFacts(source: IPAddress(source)!)
            facts[.userAgent] = Bytes(bytes)
            for _ in 0..<count { _ = decider.check(facts) }
        }
    }

    private func login(_ source: String) {
        Decider(state).report(.authOK, RequestFacts(source: IPAddress(source)!))
    }

    /// Serves until the condition holds; the test fails where it never does.
    private func serve(_ what: Comment, until condition: () -> Bool) {
        let deadline = ContinuousClock.now + .seconds(20)
        while !condition(), ContinuousClock.now < deadline { kamailio.serve() }
        #expect(condition(), what)
    }

    /// Serves what the end asks for.
    private func close(_ push: BanPush) async {
        let served = Task.detached { [kamailio] in
            while !Task.isCancelled { kamailio.serve() }
        }
        push.stop()
        served.cancel()
        await served.value
    }

    @Test("bans that are there and bans that come are pushed, those of protected and trusted sources never")
    func pushes() async throws {
        attack("198.51.100.1")
        let push = try push()
        #expect(push.start() == 0)
        serve("the first ban is there") { kamailio.pushed == ["198.51.100.1"] }
        login("198.51.100.3")
        for source in ["198.51.100.2", "198.51.100.3", "203.0.113.1"] { attack(source) }
        serve("the second ban is there") { kamailio.pushed == ["198.51.100.1", "198.51.100.2"] }
        for _ in 0..<5 { kamailio.serve() }
        #expect(kamailio.pushed == ["198.51.100.1", "198.51.100.2"])
        login("198.51.100.1")
        serve("who has logged in leaves") { kamailio.pushed == ["198.51.100.2"] }
        await close(push)
    }

    @Test("an IPv6 source is pushed as its /64, unless somebody in it is protected or has logged in")
    func networks() async throws {
        let push = try push()
        #expect(push.start() == 0)
        login("2001:db8:2::9")
        for source in ["2001:db8:2::1", "2001:db8:3::1", "2001:0:0:5::1", "2001:db8:1::1"] { attack(source) }
        serve("one ban is there") { kamailio.pushed == ["2001:db8:1:0"] }
        attack("2001:db8:4:5::1")
        serve("and the next, and none between them") { kamailio.pushed == ["2001:db8:1:0", "2001:db8:4:5"] }
        login("2001:db8:1::9")
        serve("a login from another address ends it") { kamailio.pushed == ["2001:db8:4:5"] }
        await close(push)
    }

    @Test("a Kamailio that has begun anew gets all bans again") func restart() async throws {
        for number in 1...5 { attack("198.51.100.\(number)") }
        let push = try push()
        #expect(push.start() == 0)
        serve("all are there") { kamailio.pushed.count == 5 }
        kamailio.table.withLock { $0.entries = [:] }
        serve("all are there again") { kamailio.pushed.count == 5 }
        serve("both are told") { events.seen.count == 2 }
        #expect(push.failures == 0)
        await close(push)
    }

    @Test(
        "a Kamailio that hangs or talks nonsense is told once and counted, and served when it is back",
        arguments: [true, false])
    func sick(hangs: Bool) async throws {
        kamailio.table.withLock { ($0.isHung, $0.isGarbage) = (hangs, !hangs) }
        let push = try push(patience: .milliseconds(100))
        #expect(push.start() == 0)
        attack("198.51.100.1")
        serve("failures are counted") { push.failures >= 3 }
        #expect(events.seen.count == 1 && kamailio.pushed.isEmpty)
        kamailio.table.withLock { ($0.isHung, $0.isGarbage) = (false, false) }
        serve("the ban is there") { kamailio.pushed == ["198.51.100.1"] }
        serve("it is told") { events.seen.last == .reached(bans: 1) }
        await close(push)
    }

    @Test("more bans than there is room for are counted, and told once") func bounded() async throws {
        let push = try push(most: 3)
        #expect(push.start() == 0)
        for number in 1...8 { attack("198.51.100.\(number)") }
        serve("three are there and five are counted") { kamailio.pushed.count == 3 && push.leftOut >= 5 }
        #expect(events.seen.filter { $0 == .full(3) }.count == 1)
        await close(push)
    }

    @Test("bans that were not to be pushed for a while come back", arguments: ["allow", "reload"])
    func again(way: String) async throws {
        attack("198.51.100.1")
        let address = Prefix("198.51.100.1")!
        let push = try push()
        #expect(push.start() == 0)
        serve("the ban is there") { kamailio.pushed.count == 1 }
        for isPushed in [false, true, false, true] {
            if way == "reload" {
                try Self.write(mode: isPushed ? "enforce" : "shadow", to: policyPath)
                try state.reload()
            } else {
                let entry = AddressEntry(prefix: address, since: Clock.now, until: nil, comment: "", by: "test")
                _ = isPushed ? state.lists.remove(address, from: .allow) : state.lists.add(entry, to: .allow)
                state.publishLists()
            }
            serve("it is there: \(isPushed)") { kamailio.pushed.isEmpty != isPushed }
        }
        await close(push)
    }

    @Test("bans without room are counted once, at a start too, and pushed when there is room")
    func leftOut() async throws {
        let sources = (1...5).map { "198.51.100.\($0)" }
        for source in sources { attack(source) }
        let push = try push(most: 3)
        #expect(push.start() == 0)
        serve("three are there and two are counted") { kamailio.pushed.count == 3 && push.leftOut == 2 }
        #expect(events.seen.filter { $0 == .full(3) }.count == 1)
        for _ in 0..<3 { state.publishLists() }
        for _ in 0..<5 { kamailio.serve() }
        #expect(push.leftOut == 2)
        let gone = kamailio.pushed
        for source in gone { login(source) }
        serve("the two others are there") { kamailio.pushed == Set(sources).subtracting(gone) }
        #expect(push.leftOut == 2 && events.seen.filter { $0 == .full(3) }.count == 1)
        await close(push)
    }

    @Test("bans of which it was not told are found all the same") func missed() async throws {
        let push = try push(news: 0)
        #expect(push.start() == 0)
        serve("it has begun") { events.seen == [.reached(bans: 0)] }
        for number in 1...5 { attack("198.51.100.\(number)") }
        serve("all are there") { kamailio.pushed.count == 5 }
        await close(push)
    }

    @Test("what keeps a ban from being pushed may end by time alone") func search() async throws {
        let address = Prefix("198.51.100.1")!
        attack("198.51.100.1")
        let until = Clock.now + .milliseconds(400)
        let entry = AddressEntry(prefix: address, since: Clock.now, until: until, comment: "", by: "test")
        _ = state.lists.add(entry, to: .allow)
        state.publishLists()
        let push = try push(search: .milliseconds(300))
        #expect(push.start() == 0)
        serve("the ban is there") { kamailio.pushed.count == 1 }
        #expect(Clock.now > until)
        await close(push)
    }

    @Test("however many sources begin to attack, the table is looked at once in its time") func flood() async throws {
        let push = try push(look: .milliseconds(200))
        attack("198.51.100.1")
        #expect(push.start() == 0)
        serve("the ban is there") { kamailio.pushed.count == 1 }
        let (begin, before) = (ContinuousClock.now, kamailio.table.withLock { $0.looks })
        let served = Task.detached { [kamailio] in
            while !Task.isCancelled { kamailio.serve() }
        }
        for number in 1...2500 { attack("10.0.\(number / 250).\(number % 250)", count: 1) }
        for number in 1...50 { attack("10.1.0.\(number)") }
        usleep(400_000)
        served.cancel()
        await served.value
        serve("the other bans are there") { kamailio.pushed.count == 51 }
        let looks = kamailio.table.withLock { $0.looks } - before
        #expect(looks >= 1 && Duration.milliseconds(200) * (looks - 1) <= begin.duration(to: .now), "\(looks) looks")
        await close(push)
    }

    @Test("what an entry has counted is not lost when it is taken out, nor at the end and the start")
    func counted() async throws {
        let sources = ["198.51.100.1", "198.51.100.2", "2001:db8:1::1"]
        for source in sources { attack(source) }
        let names = Set(["198.51.100.1", "198.51.100.2", "2001:db8:1:0"])
        func count(_ counts: [String: Int64]) { kamailio.table.withLock { $0.counted = counts } }
        let grouping = state.publisher.current.engine.ruleset.sources
        func dropped() -> [UInt32] {
            sources.map { state.sources.record(of: grouping.key(of: IPAddress($0)!))!.dropped }
        }
        let before = dropped()
        func more() -> [UInt32] { zip(dropped(), before).map { $0 - $1 } }
        var push = try push()
        #expect(push.start() == 0)
        serve("the bans are there") { kamailio.pushed == names }
        count(["198.51.100.1": 7])
        login("198.51.100.1")
        serve("one has left") { kamailio.pushed.count == 2 }
        serve("what it had counted is told") { more() == [7, 0, 0] }
        count(["198.51.100.2": 5, "2001:db8:1:0": 3])
        await close(push)
        #expect(kamailio.pushed.isEmpty && more() == [7, 5, 3])
        // as after a run that was killed
        kamailio.table.withLock { $0.entries = ["198.51.100.2": 0, "sipguardd of before": 0] }
        count(["198.51.100.2": 2])
        push = try self.push()
        #expect(push.start() == 0)
        serve("the bans that hold are there again") { kamailio.pushed == names.subtracting(["198.51.100.1"]) }
        #expect(more() == [7, 7, 3])
        await close(push)
    }

    @Test("the end takes everything out of Kamailio") func end() async throws {
        attack("198.51.100.1")
        let push = try push()
        #expect(push.start() == 0)
        serve("the ban is there") { kamailio.pushed.count == 1 }
        let served = Task.detached { [kamailio] in
            while !kamailio.pushed.isEmpty { kamailio.serve() }
        }
        push.stop()
        await served.value
        #expect(kamailio.table.withLock { $0.entries.isEmpty })
    }
}

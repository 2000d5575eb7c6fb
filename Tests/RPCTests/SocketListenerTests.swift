import Foundation
import Glibc
import JSON
import RPC
import Synchronization
import Testing

@Suite(.serialized)
struct SocketListenerTests {
    @Test(arguments: [false, true])
    func `Answers pipelined requests in their order`(overTCP: Bool) throws {
        let running = try RunningListener(overTCP: overTCP)
        let peer = try running.connect()
        peer.send((1...500).map { call("echo", id: $0, "[\($0)]") + "\n" }.joined())
        #expect(peer.lines(500) == (1...500).map { #"{"jsonrpc":"2.0","id":\#($0),"result":[\#($0)]}"# })
    }

    @Test func `Who sends in bulk lets others go first`() throws {
        let running = try RunningListener()
        let peer = try running.connect()
        for id in 1...20 {
            peer.send(call("echo", id: id) + "\n")
            #expect(peer.lines(1).count == 1)
        }
        #expect(running.service.gaveWay.load(ordering: .relaxed) == 0)
        // As many as one read takes, in one write.
        peer.send((1...20).map { call("echo", id: $0) + "\n" }.joined())
        #expect(peer.lines(20).count == 20)
        #expect(running.service.gaveWay.load(ordering: .relaxed) == 2)
    }

    @Test(arguments: [false, true])
    func `Answers netstrings with netstrings`(overTCP: Bool) throws {
        let running = try RunningListener(overTCP: overTCP)
        let peer = try running.connect()
        let message = call("echo", id: 1)
        peer.send("\(message.utf8.count):\(message),9:{\"fast\":1,")
        peer.finishSending()
        let reply = #"{"jsonrpc":"2.0","id":1,"result":[]}"#
        #expect(String(decoding: peer.rest(), as: UTF8.self) == "\(reply.utf8.count):\(reply),13:{\"fast\":true},")
    }

    @Test func `Answers a request that comes byte by byte`() throws {
        let running = try RunningListener()
        let peer = try running.connect()
        for byte in (call("sum", id: 1, "[1,2]") + "\r\n").utf8 { peer.send([byte]) }
        #expect(peer.lines(1) == [#"{"jsonrpc":"2.0","id":1,"result":3}"#])
    }

    @Test func `Answers a batch as one line`() throws {
        let running = try RunningListener()
        let peer = try running.connect()
        peer.send("[\(call("echo", id: 1)),{\"jsonrpc\":\"2.0\",\"method\":\"update\"},\(call("echo", id: 2))]\n")
        #expect(
            peer.lines(1) == [#"[{"jsonrpc":"2.0","id":1,"result":[]},{"jsonrpc":"2.0","id":2,"result":[]}]"#])
    }

    @Test func `Says who calls`() throws {
        let unix = try RunningListener(role: .admin)
        let peer = try unix.connect()
        peer.send(call("clear", id: 1) + "\n")
        #expect(peer.lines(1).first?.contains("result") == true)
        let caller = unix.service.sessions.withLock { $0 }
        #expect(
            caller == [
                Caller(listener: "test", role: .admin, peer: .process(uid: getuid(), gid: getgid(), pid: getpid()))
            ])
        let tcp = try RunningListener(overTCP: true)
        let other = try tcp.connect()
        other.send(call("list", id: 1) + "\n")
        #expect(other.lines(1).first?.contains("-32003") == true)
        guard case .address("127.0.0.1", port: 1...)? = tcp.service.sessions.withLock({ $0 }).first?.peer else {
            Issue.record("no address")
            return
        }
    }

    @Test func `One connection too many is told so and closed, and room again is noticed`() throws {
        let events = Events()
        let running = try RunningListener(events: events) { $0.maxConnections = 2 }
        var peers = [try running.connect(), try running.connect()]
        for peer in peers {
            peer.send(call("echo", id: 1) + "\n")
            #expect(peer.lines(1).count == 1)
        }
        for _ in 0..<3 {
            let refused = try running.connect()
            let reply = try JSONValue(parsing: String(decoding: refused.rest(), as: UTF8.self))
            #expect(reply["error"]?["code"] == -32001)
            #expect(reply["id"] == .null)
        }
        peers.removeLast()
        #expect(eventually { running.listener.counters.open == 1 })
        peers.append(try running.connect())
        peers[1].send(call("echo", id: 1) + "\n")
        #expect(peers[1].lines(1).count == 1)
        #expect(events.all == [.full(connections: 2), .roomAgain])
        #expect(running.listener.counters.refused == 3)
        #expect(running.listener.counters.accepted == 3)
    }

    @Test(arguments: [false, true])
    func `A peer that does not read its replies is disconnected`(overTCP: Bool) throws {
        let events = Events()
        let running = try RunningListener(overTCP: overTCP, events: events) {
            $0.sendTimeout = .milliseconds(50)
        }
        let slow = try running.connect()
        let request = call("big", id: 1, #"{"size":1000000}"#) + "\n"
        for _ in 0..<40 where !slow.send(request) { break }
        #expect(eventually { running.listener.counters.slowPeers == 1 })
        #expect(eventually { running.listener.counters.open == 0 })
        #expect(eventually { events.all.count == 1 })
        guard case .slowPeer? = events.all.first else {
            Issue.record("no event")
            return
        }
    }

    @Test func `A message that is cut off by the end is dropped`() throws {
        let running = try RunningListener()
        let peer = try running.connect()
        peer.send(call("echo", id: 1) + "\n" + #"{"jsonrpc":"2.0","method":"ec"#)
        peer.finishSending()
        #expect(String(decoding: peer.rest(), as: UTF8.self) == #"{"jsonrpc":"2.0","id":1,"result":[]}"# + "\n")
        #expect(eventually { running.listener.counters.open == 0 })
    }

    @Test func `A peer that is gone before its reply does no harm`() throws {
        let running = try RunningListener()
        for _ in 0..<50 {
            let peer = try running.connect()
            peer.send(call("big", id: 1, #"{"size":300000}"#) + "\n" + call("echo", id: 2) + "\n")
        }
        #expect(eventually { running.listener.counters.open == 0 })
        let peer = try running.connect()
        peer.send(call("echo", id: 1) + "\n")
        #expect(peer.lines(1).count == 1)
    }

    @Test(arguments: [false, true])
    func `A line of 64 KiB is served, a longer one is skipped`(overTCP: Bool) throws {
        let running = try RunningListener(overTCP: overTCP)
        let peer = try running.connect()
        let frame = call("echo", id: 1, #"[""]"#)
        for (size, id) in [(65_536, 1), (65_537, 2), (300_000, 3), (65_536, 4)] {
            let padding = String(repeating: "x", count: size - frame.utf8.count)
            peer.send(call("echo", id: id, "[\"\(padding)\"]") + "\r\n")
            let reply = try JSONValue(parsing: try #require(peer.lines(1).first))
            #expect(reply["error"]?["code"] == (size > 65_536 ? -32002 : nil), "\(size) bytes")
            #expect(reply["id"] == (size > 65_536 ? .null : .int(Int64(id))))
        }
        #expect(running.listener.counters.errors == [-32002: 2])
    }

    @Test func `A netstring that announces too much is answered and closed`() throws {
        let running = try RunningListener(overTCP: true)
        let peer = try running.connect()
        peer.send("65537:{" + String(repeating: " ", count: 30_000))
        let text = String(decoding: peer.rest(), as: UTF8.self)
        #expect(text.contains("-32002"))
        #expect(text.contains(":{") && text.hasSuffix("},"))
    }

    @Test func `Whatever the first byte, others are served`() throws {
        let running = try RunningListener()
        let good = try running.connect()
        for byte in UInt8.min...UInt8.max {
            let peer = try running.connect()
            peer.send([byte, 0xFF, 0x00, 0x22, 0x0A, byte, 0x3A, 0x0A])
            peer.finishSending()
            let text = String(decoding: peer.rest(), as: UTF8.self)
            let isNetstring = (0x30...0x39).contains(byte)
            #expect(text.isEmpty == false && text.contains("-32700"), "byte \(byte)")
            #expect(text.hasSuffix(isNetstring ? "," : "\n"), "byte \(byte)")
            good.send(call("echo", id: Int(byte)) + "\n")
            #expect(good.lines(1) == [#"{"jsonrpc":"2.0","id":\#(byte),"result":[]}"#])
        }
    }

    @Test(arguments: [false, true])
    func `Stopping answers what was received, then closes`(overTCP: Bool) throws {
        let running = try RunningListener(overTCP: overTCP) { $0.drainLimit = .seconds(20) }
        let peer = try running.connect()
        let idle = try running.connect()
        idle.send(call("echo", id: 0) + "\n")
        #expect(idle.lines(1).count == 1)
        peer.send((1...300).map { call("echo", id: $0) + "\n" }.joined() + "{\"half\":")
        #expect(eventually { running.listener.counters.requests > 1 })
        #expect(running.listener.stop() == 0)
        #expect(peer.lines(301).count == 300)
        #expect(idle.receive().isEmpty)
        #expect(running.listener.counters.open == 0)
        #expect(running.listener.counters.requests == 301)
        #expect(running.listener.stop() == 0)
    }

    @Test func `Whoever stops it at the same time comes back as soon as all is done`() throws {
        let running = try RunningListener { $0.drainLimit = .seconds(10) }
        let slow = try running.connect()
        slow.send(call("big", id: 1, #"{"size":3000000}"#) + "\n")
        #expect(eventually { running.listener.counters.bytesReceived > 0 })
        let back = Mutex(0)
        for _ in 0..<16 {
            Thread.detachNewThread { [listener = running.listener] in
                listener.stop()
                back.withLock { $0 += 1 }
            }
        }
        poll(nil, 0, 200)
        #expect(back.withLock { $0 } == 0)
        let begin = ContinuousClock.now
        #expect(slow.rest().count > 3_000_000)
        #expect(eventually { back.withLock { $0 } == 16 })
        #expect(begin.duration(to: .now) < .seconds(4))
    }

    @Test func `Stopping does not wait for a peer that does not read`() throws {
        // A busy machine may take longer than that, but not every time.
        let times = try (0..<3).map { _ in
            let running = try RunningListener { $0.drainLimit = .milliseconds(50) }
            let slow = try running.connect()
            slow.send(call("big", id: 1, #"{"size":3000000}"#) + "\n")
            #expect(eventually { running.listener.counters.bytesReceived > 0 })
            let begin = ContinuousClock.now
            #expect(running.listener.stop() == 0)
            return begin.duration(to: .now)
        }
        #expect(times.min()! < .seconds(2))
    }

    @Test func `Counts what happens`() throws {
        let running = try RunningListener()
        let peer = try running.connect()
        peer.send(#"{"jsonrpc":"2.0","method":"update"}"# + "\n")
        peer.send(#"{"jsonrpc":"2.0","method":"nothing"}"# + "\n")
        peer.send("{]\n" + call("fail", id: 2) + "\n" + call("half", id: 3) + "\n" + call("echo", id: 4) + "\n")
        #expect(peer.lines(4).count == 4)
        let open = running.listener.counters
        #expect(open.open == 1 && open.requests == 4 && open.notifications == 2)
        #expect(open.errors == [-32700: 1, -32602: 1, -32010: 1, -32601: 1])
        peer.finishSending()
        #expect(peer.rest().isEmpty)
        #expect(eventually { running.listener.counters.open == 0 })
        let closed = running.listener.counters
        #expect(closed.bytesReceived > 200 && closed.bytesSent > 200)
        #expect(closed.requests == 4 && closed.notifications == 2 && closed.errors == open.errors)
    }
}

/// Remembers events from any thread.
final class Events: Sendable {
    private let list = Mutex<[ListenerEvent]>([])

    @Sendable func add(_ event: ListenerEvent) { list.withLock { $0.append(event) } }

    var all: [ListenerEvent] { list.withLock { $0 } }
}

import Policy
import Testing

@testable import Replay

@Suite struct CaptureTests {
    private let phone = "198.51.100.7"
    private let server = "203.0.113.1"
    private let phone6 = "2001:db8::7"
    private let server6 = "2001:db8::1"

    private func messages(_ frames: [[UInt8]], linkType: Int32 = 1) -> (texts: [[UInt8]], figures: CaptureFigures) {
        var reader = CaptureReader(linkType: linkType)
        var texts: [[UInt8]] = []
        for (index, frame) in frames.enumerated() {
            frame.withUnsafeBufferPointer { frame in
                reader.take(frame, isCut: false, at: Instant(microseconds: Int64(index))) { texts.append($0.bytes) }
            }
        }
        return (texts, reader.figures)
    }

    /// A table of frames that hold one and the same request.
    private static let frames: [(name: String, type: Int32, frame: [UInt8])] = {
        let request = Packets.request()
        let four = Packets.ip(Packets.udp(request), from: "198.51.100.7", to: "203.0.113.1")
        let six = Packets.ip(Packets.udp(request), from: "2001:db8::7", to: "2001:db8::1")
        let zeros = [UInt8](repeating: 0, count: 18)
        let cooked: [UInt8] = zeros.prefix(14) + [8, 0] + four
        let cooked2: [UInt8] = [0x86, 0xDD] + zeros + six
        let start: [UInt8] = [0x60, 0, 0, 0]
        let extensions: [UInt8] = [60, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0]
        let long = Packets.word(six.count - 40 + 16) + [0, 64]
        let extended: [UInt8] = [start, long, Array(six[8..<40]), extensions, Array(six[40...])].flatMap { $0 }
        return [
            ("Ethernet, IPv4", 1, Packets.ethernet(four)), ("Ethernet, IPv6", 1, Packets.ethernet(six)),
            ("a VLAN", 1, Packets.ethernet(four, tags: [0x8100])),
            ("a VLAN in a VLAN", 1, Packets.ethernet(six, tags: [0x88A8, 0x8100])),
            ("Linux cooked", 113, cooked), ("Linux cooked, version 2", 276, cooked2),
            ("raw IP", 12, four), ("raw IPv4", 228, four), ("raw IPv6", 229, six),
            ("BSD loopback", 0, [2, 0, 0, 0] + four), ("OpenBSD loopback", 108, [0, 0, 0, 24] + six),
            ("padding behind the packet", 1, Packets.ethernet(four) + [0, 0, 0, 0, 0, 0]),
            ("extension headers", 12, extended),
        ]
    }()

    @Test("a request is found in every kind of frame", arguments: frames.indices)
    func frame(index: Int) {
        let (name, type, frame) = Self.frames[index]
        #expect(messages([frame], linkType: type).texts == [Packets.request()], "\(name)")
    }

    @Test("a frame that ends anywhere does no harm", arguments: frames.indices)
    func prefixes(index: Int) {
        let (name, type, frame) = Self.frames[index]
        for count in 0..<frame.count {
            let found = messages([Array(frame.prefix(count))], linkType: type).texts
            #expect(found.allSatisfy { Packets.request().starts(with: $0) }, "\(name)")
        }
    }

    @Test(
        "fragments are put together in any order", arguments: [false, true], [[0, 1, 2], [2, 1, 0], [1, 2, 0, 1]])
    func fragments(isV6: Bool, order: [Int]) {
        let datagram = Packets.udp(Packets.request())
        let (from, to) = isV6 ? (phone6, server6) : (phone, server)
        let parts = [0..<80, 80..<160, 160..<datagram.count].map { range in
            Packets.ip(
                Array(datagram[range]), from: from, to: to, id: 9, offset: range.lowerBound,
                hasMore: range.upperBound < datagram.count)
        }
        #expect(messages(order.map { parts[$0] }, linkType: 12).texts == [Packets.request()])
        #expect(messages([parts[0], parts[2]], linkType: 12).texts.isEmpty)
    }

    @Test("fragments without the rest are forgotten, the oldest first") func fragmentFlood() {
        var assembly = FragmentAssembly()
        for id in 0..<1000 {
            let bytes = Packets.ip([UInt8](repeating: 0, count: 64), from: phone, to: server, id: id, hasMore: true)
            bytes.withUnsafeBufferPointer { bytes in
                #expect(assembly.add(IPPacket(bytes)!, at: Instant(microseconds: 0)) == nil)
            }
        }
        #expect(assembly.count == FragmentAssembly.mostPackets && assembly.lost == 1000 - FragmentAssembly.mostPackets)
    }

    /// Frames with their times in microseconds.
    private func figures(_ frames: [(at: Int64, bytes: [UInt8])], linkType: Int32 = 12) -> CaptureFigures {
        var reader = CaptureReader(linkType: linkType)
        for frame in frames {
            frame.bytes.withUnsafeBufferPointer {
                reader.take($0, isCut: false, at: Instant(microseconds: 1_000_000 + frame.at)) { _ in }
            }
        }
        return reader.figures
    }

    @Test(
        "a packet that the capture holds twice counts once; one that was sent twice, twice",
        arguments: [
            // A number, when it comes again, and whether that is the same packet.
            (7, 40, true), (7, 99_999, true), (7, -40, true), (7, 500_000, false), (0, 40, true), (0, 2000, false),
        ] as [(Int, Int64, Bool)])
    func repetition(number: Int, distance: Int64, isSame: Bool) {
        let packet = Packets.ip(Packets.udp(Packets.request()), from: phone, to: server, id: number)
        let found = figures([(0, packet), (distance, packet)])
        #expect(found.messages == (isSame ? 1 : 2) && found.repeatedPackets == (isSame ? 1 : 0) && found.frames == 2)
    }

    @Test("another number, sender or text is another packet") func otherPackets() {
        let one = Packets.udp(Packets.request())
        let packets = [
            Packets.ip(one, from: phone, to: server, id: 7), Packets.ip(one, from: phone, to: server, id: 8),
            Packets.ip(one, from: "198.51.100.8", to: server, id: 7),
            Packets.ip(Packets.udp(Packets.request(number: 2)), from: phone, to: server, id: 7),
            Packets.ip(one, from: phone6, to: server6),
            Packets.ip(Packets.udp(one.dropFirst(8) + [32]), from: phone6, to: server6),
        ]
        let found = figures(packets.map { (0, $0) })
        #expect(found.messages == packets.count && found.repeatedPackets == 0)
    }

    @Test("a mirrored port shows the fragments and both VLANs of a packet twice") func mirrored() {
        let datagram = Packets.udp(Packets.request())
        let parts = [0..<80, 80..<datagram.count].map { range in
            Packets.ip(
                Array(datagram[range]), from: phone, to: server, id: 9, offset: range.lowerBound,
                hasMore: range.upperBound < datagram.count)
        }
        let frames = parts.flatMap { [Packets.ethernet($0, tags: [0x8100]), Packets.ethernet($0)] }
        let found = figures(frames.enumerated().map { (Int64($0), $1) }, linkType: 1)
        #expect(found.messages == 1 && found.repeatedPackets == 2 && found.lostFragments == 0)
    }

    @Test("what is remembered of packets is bounded") func repetitionFlood() {
        var repeated = RepeatedPackets()
        for number in 0..<(3 * RepeatedPackets.most) {
            let bytes = Packets.ip(Packets.udp(Packets.request(number: number)), from: phone, to: server, id: 1)
            let isRepeated = bytes.withUnsafeBufferPointer {
                repeated.isRepeated(IPPacket($0)!, at: Instant(microseconds: 0))
            }
            #expect(!isRepeated)
        }
        #expect(repeated.held == RepeatedPackets.most && repeated.count == 0)
    }

    private func stream(_ segments: [(sequence: Int, bytes: [UInt8], flags: UInt8)]) -> [[UInt8]] {
        let frames = segments.map { segment in
            Packets.ip(
                Packets.tcp(segment.bytes, sequence: segment.sequence, flags: segment.flags), 6, from: phone, to: server
            )
        }
        return messages(frames, linkType: 12).texts
    }

    @Test("a stream is put in order, whatever its segments are", arguments: [1, 7, 100, 100_000], [1, 0xFFFF_FFF0])
    func segments(size: Int, start: Int) {
        let all = [Packets.request(number: 1), Packets.request("OPTIONS", number: 2, body: "v=0\r\ns=x\r\n")]
        let bytes = all[0] + [13, 10, 13, 10] + all[1]
        var segments = stride(from: 0, to: bytes.count, by: size).map { offset in
            (
                sequence: (start + offset) & 0xFFFF_FFFF, bytes: Array(bytes[offset..<min(offset + size, bytes.count)]),
                flags: UInt8(0x18)
            )
        }
        let syn = (sequence: (start - 1) & 0xFFFF_FFFF, bytes: [UInt8](), flags: UInt8(2))
        #expect(stream([syn] + segments) == all)
        // Pairs in the wrong order, and each twice.
        for index in stride(from: 0, to: segments.count - 1, by: 2) { segments.swapAt(index, index + 1) }
        #expect(stream([syn] + segments.flatMap { [$0, $0] }) == all)
        #expect(stream(segments) == all || size < 100_000)
    }

    @Test("behind a hole the next message is found") func hole() {
        let lost = (sequence: 5000, bytes: [UInt8](repeating: 65, count: 10), flags: UInt8(0x18))
        var segments = [(sequence: 1, bytes: Packets.request(number: 1), flags: UInt8(0x18)), lost]
        var sequence = 10_000
        for number in 2..<80 {
            let request = Packets.request(number: number)
            segments.append((sequence, request, 0x18))
            sequence += request.count
        }
        #expect(stream(segments).count > 60)
    }

    @Test("streams are forgotten, the oldest first") func streamFlood() {
        var assembly = StreamAssembly()
        for port in 0..<(3 * StreamAssembly.mostFlows) {
            let bytes = Packets.tcp(Array("OPTIONS".utf8), sequence: port)
            let key = FlowKey(
                source: IPAddress(v4: UInt32(port)), destination: IPAddress(phone)!, sourcePort: 1, destinationPort: 2)
            bytes.withUnsafeBufferPointer { #expect(assembly.add(TCPSegment($0)!, key).isEmpty) }
        }
        #expect(assembly.count == StreamAssembly.mostFlows)
    }

    @Test(
        "what is no SIP is left alone",
        arguments: [
            "", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "SIP/2.0", "REGISTER", "SIP/2.0x 200 OK\r\n",
            "(x) sip:a SIP/2.0\r\n",
            "REGISTER sip:a SIP/3.0\r\n", "x SIP/2.0",
        ])
    func other(text: String) {
        let begins = Array(text.utf8).withUnsafeBufferPointer { SIPFraming.beginsMessage($0) }
        #expect(begins == (text == "SIP/2.0"))
    }

    @Test("random bytes and mutated frames never end the reader") func fuzz() {
        var random = SystemRandomNumberGenerator()
        var seeds: [(type: Int32, frame: [UInt8])] = Self.frames.map { ($0.type, $0.frame) }
        seeds.append((12, Packets.ip(Packets.tcp(Packets.request(), sequence: 1), 6, from: phone, to: server)))
        let datagram = Packets.udp(Packets.request())
        seeds.append((12, Packets.ip(datagram, from: phone, to: server, offset: 8, hasMore: true)))
        var readers: [Int32: CaptureReader] = [:]
        for seed in seeds { readers[seed.type] = CaptureReader(linkType: seed.type) }
        var transactions = Transactions(servers: Servers([.init("203.0.113.0/24")!, .init("2001:db8::/32")!]))
        var events = 0
        for turn in 0..<20_000 {
            var (type, frame) = seeds[turn % seeds.count]
            if turn % 10 == 0 {
                frame = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255) }
            }
            for _ in 0..<Int.random(in: 0...4, using: &random) where !frame.isEmpty {
                frame[Int.random(in: 0..<frame.count, using: &random)] = UInt8.random(in: 0...255)
            }
            frame.removeLast(Int.random(in: 0...frame.count, using: &random) / 8)
            frame.withUnsafeBufferPointer { frame in
                readers[type]!.take(frame, isCut: false, at: Instant(microseconds: Int64(turn))) { message in
                    transactions.take(message) { _ in events += 1 }
                }
            }
        }
        let frames = readers.values.reduce(0) { $0 + $1.figures.frames }
        #expect(frames == 20_000 && events > 100)
    }
}

import Policy

/// A SIP message on its way from one socket to another.
struct CapturedMessage {
    let at: Instant
    let from: Endpoint
    let to: Endpoint
    let transport: Transport
    let bytes: [UInt8]
}

/// An address and a port.
struct Endpoint: Hashable, Comparable {
    let address: IPAddress
    let port: UInt16

    static func < (left: Self, right: Self) -> Bool {
        left.address == right.address ? left.port < right.port : left.address < right.address
    }
}

/// What a capture held, SIP or not.
public struct CaptureFigures: Equatable, Sendable {
    public internal(set) var frames = 0
    public internal(set) var messages = 0
    /// Frames of which the capture kept less than there was.
    public internal(set) var cutFrames = 0
    /// Packets that the capture holds twice, and that count once.
    public internal(set) var repeatedPackets = 0
    /// Packets of which fragments are missing.
    public internal(set) var lostFragments = 0
    /// Times that a TCP stream had a hole or was no SIP.
    public internal(set) var streamGaps = 0
}

/// From frames to SIP messages: link layer, IP, fragments, UDP, TCP. Holds no more than its bounds, whatever comes.
struct CaptureReader {
    private static let tcp: UInt8 = 6
    private static let udp: UInt8 = 17

    let linkType: Int32
    private(set) var figures = CaptureFigures()
    private var repeated = RepeatedPackets()
    private var fragments = FragmentAssembly()
    private var streams = StreamAssembly()

    init(linkType: Int32) { self.linkType = linkType }

    /// Takes a frame; hands out the messages that it makes whole.
    mutating func take(_ frame: Bytes, isCut: Bool, at now: Instant, _ body: (CapturedMessage) -> Void) {
        figures.frames += 1
        if isCut { figures.cutFrames += 1 }
        guard let bytes = LinkLayer.packet(in: frame, type: linkType), let packet = IPPacket(bytes) else { return }
        if packet.transport == Self.udp, repeated.isRepeated(packet, at: now) {
            figures.repeatedPackets = repeated.count
            return
        }
        guard packet.fragment != nil else { return take(packet, packet.payload, now, body) }
        let whole = fragments.add(packet, at: now)
        figures.lostFragments = fragments.lost
        whole?.withUnsafeBufferPointer { take(packet, $0, now, body) }
    }

    private mutating func take(
        _ packet: IPPacket, _ payload: Bytes, _ now: Instant, _ body: (CapturedMessage) -> Void
    ) {
        switch packet.transport {
        case Self.udp: takeDatagram(packet, payload, now, body)
        case Self.tcp: takeSegment(packet, payload, now, body)
        default: break
        }
    }

    /// RFC 768.
    private mutating func takeDatagram(
        _ packet: IPPacket, _ payload: Bytes, _ now: Instant, _ body: (CapturedMessage) -> Void
    ) {
        guard let source = payload.uint16(at: 0), let destination = payload.uint16(at: 2),
            let told = payload.uint16(at: 4), payload.count > 8
        else { return }
        let end = told >= 8 ? min(Int(told), payload.count) : payload.count
        let message = payload.part(8, end)
        guard SIPFraming.beginsMessage(message) else { return }
        figures.messages += 1
        body(
            CapturedMessage(
                at: now, from: Endpoint(address: packet.source, port: source),
                to: Endpoint(address: packet.destination, port: destination), transport: .udp, bytes: Array(message)))
    }

    private mutating func takeSegment(
        _ packet: IPPacket, _ payload: Bytes, _ now: Instant, _ body: (CapturedMessage) -> Void
    ) {
        guard let segment = TCPSegment(payload) else { return }
        let from = Endpoint(address: packet.source, port: segment.sourcePort)
        let to = Endpoint(address: packet.destination, port: segment.destinationPort)
        let key = FlowKey(
            source: from.address, destination: to.address, sourcePort: from.port, destinationPort: to.port)
        for message in streams.add(segment, key) {
            figures.messages += 1
            body(CapturedMessage(at: now, from: from, to: to, transport: .tcp, bytes: message))
        }
        figures.streamGaps = streams.gaps
    }
}

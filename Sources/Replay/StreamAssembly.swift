import Policy

/// A segment of TCP (RFC 9293 section 3.1).
struct TCPSegment {
    let sourcePort: UInt16
    let destinationPort: UInt16
    let sequence: UInt32
    let begins: Bool
    let ends: Bool
    let payload: Bytes

    init?(_ bytes: Bytes) {
        guard bytes.count >= 20, let source = bytes.uint16(at: 0), let destination = bytes.uint16(at: 2),
            let sequence = bytes.uint32(at: 4)
        else { return nil }
        let header = Int(bytes[12] >> 4) * 4
        guard header >= 20, header <= bytes.count else { return nil }
        (sourcePort, destinationPort, self.sequence) = (source, destination, sequence)
        (begins, ends) = (bytes[13] & 0x02 != 0, bytes[13] & 0x05 != 0)
        payload = bytes.part(header, bytes.count)
    }
}

/// One direction of one connection.
struct FlowKey: Hashable {
    let source: IPAddress
    let destination: IPAddress
    let sourcePort: UInt16
    let destinationPort: UInt16
}

/// Puts the segments of connections in order and finds the SIP messages in them, within fixed bounds.
struct StreamAssembly {
    static let mostFlows = 2048
    static let mostWaiting = 64
    static let mostBytesWaiting = 65_536

    private struct Flow {
        /// The number of the byte that comes next; nil before the first segment.
        var next: UInt32?
        var bytes: [UInt8] = []
        /// Segments that came too early.
        var waiting: [(sequence: UInt32, bytes: [UInt8])] = []
    }

    private var flows: [FlowKey: Flow] = [:]
    /// The flows in the order in which they began; the oldest goes first.
    private var order: [FlowKey] = []
    private var oldest = 0
    /// Times that bytes were missing or made no sense.
    private(set) var gaps = 0

    var count: Int { flows.count }

    /// The messages that this segment makes whole.
    mutating func add(_ segment: TCPSegment, _ key: FlowKey) -> [[UInt8]] {
        var flow = flows.removeValue(forKey: key)
        if flow == nil {
            guard segment.begins || !segment.payload.isEmpty else { return [] }
            makeRoom(for: key)
        }
        var open = flow.take() ?? Flow()
        var start = segment.sequence
        if segment.begins {
            open = Flow()
            start &+= 1
            open.next = start
        }
        var messages: [[UInt8]] = []
        if !segment.payload.isEmpty { take(segment.payload, start, &open, &messages) }
        if !segment.ends { flows[key] = open }
        return messages
    }

    private mutating func makeRoom(for key: FlowKey) {
        order.append(key)
        while flows.count >= Self.mostFlows, oldest < order.count {
            flows[order[oldest]] = nil
            oldest += 1
        }
        guard oldest > Self.mostFlows || order.count > 4 * Self.mostFlows else { return }
        // Flows that have ended have left their keys here, and those that began again stand here twice.
        var seen: Set<FlowKey> = []
        order = order[oldest...].filter { ($0 == key || flows[$0] != nil) && seen.insert($0).inserted }
        oldest = 0
    }

    private mutating func take(_ payload: Bytes, _ start: UInt32, _ flow: inout Flow, _ messages: inout [[UInt8]]) {
        if Self.distance(from: flow.next ?? start, to: start) > 0 {
            flow.waiting.append((start, Array(payload)))
            let bytes = flow.waiting.reduce(0) { $0 + $1.bytes.count }
            if flow.waiting.count > Self.mostWaiting || bytes > Self.mostBytesWaiting { skipGap(&flow) }
        } else {
            append(Array(payload), start, &flow, &messages)
        }
        while let index = flow.waiting.firstIndex(where: { Self.distance(from: flow.next!, to: $0.sequence) <= 0 }) {
            let segment = flow.waiting.remove(at: index)
            append(segment.bytes, segment.sequence, &flow, &messages)
        }
    }

    /// What is missing does not come any more: goes on with what is there.
    private mutating func skipGap(_ flow: inout Flow) {
        gaps += 1
        flow.bytes = []
        let next = flow.next ?? 0
        flow.next = flow.waiting.map(\.sequence).min {
            Self.distance(from: next, to: $0) < Self.distance(from: next, to: $1)
        }
    }

    private mutating func append(
        _ bytes: [UInt8], _ start: UInt32, _ flow: inout Flow, _ messages: inout [[UInt8]]
    ) {
        let next = flow.next ?? start
        let known = -Self.distance(from: next, to: start)
        guard known < bytes.count else {
            flow.next = next
            return
        }
        flow.bytes += bytes[known...]
        flow.next = next &+ UInt32(bytes.count - known)
        split(&flow.bytes, &messages)
    }

    private mutating func split(_ bytes: inout [UInt8], _ messages: inout [[UInt8]]) {
        while true {
            switch bytes.withUnsafeBufferPointer({ SIPFraming.beginning($0) }) {
            case .incomplete: return
            case .other:
                gaps += 1
                bytes = []
                return
            case .message(let range):
                messages.append(Array(bytes[range]))
                bytes.removeFirst(range.upperBound)
            }
        }
    }

    /// How far a sequence number is ahead; numbers begin again at 0 (RFC 9293 section 3.4).
    private static func distance(from start: UInt32, to end: UInt32) -> Int { Int(Int32(bitPattern: end &- start)) }
}

import Glibc
import JSON

/// One connection, served by one thread from its first byte to its last.
package final class Connection: Sendable {
    package let socket: Socket
    package let caller: Caller
    package let tally = Tally()
    private let configuration: ListenerConfiguration

    init(socket: Socket, caller: Caller, configuration: ListenerConfiguration) {
        self.socket = socket
        self.caller = caller
        self.configuration = configuration
    }

    /// How a connection ended.
    package enum End {
        case peerClosed
        case slowPeer
        /// What came could not be told apart; the peer was told so.
        case lostFraming
    }

    /// Serves the connection until its end: blocks for requests, answers all that have come, sends the replies at once.
    func serve(_ service: any RPCService) -> End {
        let dispatcher = Dispatcher(
            service: service, caller: caller, batchLimit: configuration.batchLimit, tally: tally)
        let limit = configuration.messageLimit
        var decoder = FrameDecoder(limit: limit)
        var buffer = ReceiveBuffer(limit: FrameDecoder.bufferLimit(forMessagesOf: limit))
        var replies = JSONWriter()
        while case .bytes(let count) = socket.receive(into: buffer.space()) {
            buffer.append(count)
            tally.bytesReceived.increment(by: UInt64(count))
            let end = answer(buffer.bytes, &decoder, dispatcher, &replies) ?? flush(&replies)
            if let end { return end }
            buffer.dropFirst(decoder.reclaim())
        }
        return .peerClosed
    }

    /// Messages of one caller in a row, behind which others may go first.
    private static let mostInARow = 8

    /// Answers every message that is complete.
    private func answer(
        _ bytes: UnsafeRawBufferPointer, _ decoder: inout FrameDecoder, _ dispatcher: Dispatcher,
        _ replies: inout JSONWriter
    ) -> End? {
        var answered = 0
        while true {
            let start = replies.count
            switch decoder.next(in: bytes) {
            case .needMore:
                return nil
            case .message(let range):
                dispatcher.answer(UnsafeRawBufferPointer(rebasing: bytes[range]), into: &replies)
            case .refuse(let error):
                let problem = error.problem(limit: configuration.messageLimit)
                dispatcher.refuse(.because(error.code, problem), into: &replies)
                if error.isFinal { return sayLast(&replies, start, decoder.framing) }
            }
            (decoder.framing ?? .newline).close(messageAt: start, in: &replies)
            // A long pipeline of large replies must not be gathered without bound.
            if replies.count > 256 * 1024, let end = flush(&replies) { return end }
            answered += 1
            if answered.isMultiple(of: Self.mostInARow) {
                dispatcher.session.isGivingWay()
                sched_yield()
            }
        }
    }

    /// By itself, as it looks at the clock: see `Socket.sendRest`.
    @inline(never)
    private func sayLast(_ replies: inout JSONWriter, _ start: Int, _ framing: Framing?) -> End {
        (framing ?? .newline).close(messageAt: start, in: &replies)
        if let end = flush(&replies) { return end }
        socket.linger(until: .now + .milliseconds(500))
        return .lostFraming
    }

    private func flush(_ replies: inout JSONWriter) -> End? {
        guard replies.count > 0 else { return nil }
        let sent = socket.send(replies.bytes, timeout: configuration.sendTimeout)
        tally.bytesSent.increment(by: UInt64(replies.count))
        replies.removeAll(keepingCapacityUpTo: 1 << 20)
        switch sent {
        case .all: return nil
        case .closed: return .peerClosed
        case .timedOut:
            tally.slowPeers.increment()
            return .slowPeer
        }
    }
}

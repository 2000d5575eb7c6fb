import CProgram

/// A connection to the daemon for one question.
struct Daemon: ~Copyable {
    private let descriptor: Int32
    private let end: Int64

    init(until end: Int64) {
        self.end = end
        // Not blocking: a full backlog must not hold the call up.
        descriptor = program_socket()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Nil for everything that is not a clear answer in time.
    func ask(_ request: CalledRequest, at path: UnsafeBufferPointer<CChar>) -> ChannelVariables? {
        guard connect(to: path), send(DaemonQuestion.line(request)) else { return nil }
        return receive()
    }

    private func connect(to path: UnsafeBufferPointer<CChar>) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard !path.isEmpty, path.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: UnsafeRawBufferPointer(path)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                CProgram.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    private func send(_ line: [UInt8]) -> Bool {
        var sent = 0
        while sent < line.count {
            let count = line.withUnsafeBytes {
                CProgram.send(descriptor, $0.baseAddress! + sent, line.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if count < 0, program_would_wait() {
                guard Clock.wait(for: Int16(POLLOUT), on: descriptor, until: end) else { return false }
            } else {
                return false
            }
        }
        return true
    }

    /// A reply is a few hundred bytes.
    private func receive() -> ChannelVariables? {
        var reply = [UInt8](repeating: 0, count: 4096)
        return reply.withUnsafeMutableBytes { space in
            var count = 0
            while count < space.count, Clock.wait(for: Int16(POLLIN), on: descriptor, until: end) {
                let more = recv(descriptor, space.baseAddress! + count, space.count - count, 0)
                guard more > 0 else { return nil }
                count += more
                guard space[count - 1] == 0x0A else { continue }
                let line = UnsafeRawBufferPointer(rebasing: space[..<count])
                return line.withMemoryRebound(to: UInt8.self) { DaemonReply.variables(from: $0) }
            }
            return nil
        }
    }
}

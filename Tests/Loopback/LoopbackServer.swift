import Foundation
import Glibc

/// What tests put in another program's place: listens on 127.0.0.1 at a port of its own.
package final class LoopbackServer: Sendable {
    package let port: UInt16
    private let listener: Int32

    package init() {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = bind(descriptor, pointer, size)
                _ = listen(descriptor, 64)
                _ = getsockname(descriptor, pointer, &size)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    /// Takes connections on a thread, one after the other; whom they are handed to closes them.
    package func start(_ serve: @escaping @Sendable (Int32) -> Void) {
        let thread = Thread { [listener] in
            while true {
                let peer = accept(listener, nil, nil)
                guard peer >= 0 else { break }
                serve(peer)
            }
            // By nobody else: another socket gets the same number.
            close(listener)
        }
        thread.start()
    }

    package func stop() { shutdown(listener, Int32(SHUT_RDWR)) }
}

/// Sends all of it, unless the peer is gone.
package func put(_ text: String, to peer: Int32) {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
        let count = bytes.withUnsafeBytes {
            send(peer, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return }
        sent += count
    }
}

/// Waits, in bounded time, for something that another thread is about to do.
package func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<4000 {
        if condition() { return true }
        poll(nil, 0, 5)
    }
    return false
}

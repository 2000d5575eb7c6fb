import Glibc

extension Socket {
    /// Connects to a server, trying its addresses in turn.
    init(connectingTo server: RPCClient.Server, timeout: Duration) throws(RPCClientError) {
        let (endpoint, addresses) = try server.addresses()
        var failure = RPCClientError.badAddress(endpoint)
        for address in addresses {
            do throws(RPCClientError) {
                self = try Socket(connectingTo: address, endpoint: endpoint, timeout: timeout)
                return
            } catch { failure = error }
        }
        throw failure
    }

    private init(connectingTo address: SocketAddress, endpoint: String, timeout: Duration) throws(RPCClientError) {
        descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(call: "socket", endpoint: endpoint, errno: errno) }
        // connect(2) of a blocking socket heeds the send timeout.
        var limit = timeval(timeout)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if address.family != AF_UNIX { setOption(descriptor, level: Int32(IPPROTO_TCP), TCP_NODELAY) }
        guard address.withPointer({ connect(descriptor, $0, $1) }) == 0 else {
            let code = errno
            close(descriptor)
            throw RPCClientError(connecting: endpoint, errno: code)
        }
    }

    /// Waits until there is something to receive.
    func isReadable(before deadline: ContinuousClock.Instant) -> Bool {
        wait(for: Int16(POLLIN), until: deadline)
    }
}

extension RPCClient.Server {
    fileprivate func addresses() throws(RPCClientError) -> (endpoint: String, [SocketAddress]) {
        switch self {
        case .unix(let path):
            guard let address = SocketAddress(path: path) else { throw .badAddress(path) }
            return (path, [address])
        case .tcp(let host, let port):
            return ("\(host):\(port)", SocketAddress.resolve(host: host, port: port, mayAsk: true))
        }
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    }
}

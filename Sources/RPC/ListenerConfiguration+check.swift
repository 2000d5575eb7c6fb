extension ListenerConfiguration {
    /// Throws what would be refused at the start without a look at the system.
    public func check() throws(ListenerError) {
        switch endpoint {
        case .unix(let unix):
            guard SocketAddress(path: unix.path) != nil else {
                throw .pathTooLong(path: unix.path, limit: SocketAddress.pathLimit)
            }
        case .tcp(let tcp):
            guard role != .admin else { throw .adminOverTCP }
            _ = try tcp.address()
        }
    }
}

extension ListenerConfiguration.TCPEndpoint {
    /// The numeric address, if a listener may have it.
    func address() throws(ListenerError) -> SocketAddress {
        let numeric = host == "localhost" ? "127.0.0.1" : host
        guard let address = SocketAddress.resolve(host: numeric, port: port, mayAsk: false).first else {
            throw .badAddress(host)
        }
        guard address.isLoopback || allowNonLoopback else { throw .notLoopback(host) }
        return address
    }
}

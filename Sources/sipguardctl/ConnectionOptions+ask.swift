import Console
import Glibc
import JSON
import RPC

extension ConnectionOptions {
    /// The daemon's result; every way in which there is none becomes a failure that says what to do.
    func ask(_ method: String, _ params: JSONValue?) throws -> JSONValue {
        let endpoint = try endpoint(environment: Terminal.environment)
        do throws(RPCClientError) {
            let client = try RPCClient(connectingTo: endpoint.server, timeout: .milliseconds(Int64(timeout * 1000)))
            return try client.call(method, params: params)
        } catch {
            throw failure(error, method, endpoint)
        }
    }

    private func failure(_ error: RPCClientError, _ method: String, _ endpoint: Endpoint) -> Failure {
        switch error {
        case .noSuchSocket(let path): .noSocket(path)
        case .refused(let path) where Self.isOtherFile(path): .notASocket(path)
        case .refused: .refused(endpoint.description)
        case .permissionDenied: .denied(endpoint.description, file: Self.file(at: endpoint.description))
        case .timedOut: .timeout(endpoint.description, seconds: timeout)
        case .rpc(let error):
            .answered(
                code: error.code, message: error.message, data: error.data, method: method,
                endpoint: endpoint.description)
        case .badAddress, .closed, .garbage, .system: .broken(endpoint.description, error.description)
        }
    }

    /// Whether something stands at the path that no daemon can listen on.
    private static func isOtherFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFSOCK
    }

    /// What `ls -l` says of the socket; nil where it may not even be looked at.
    private static func file(at path: String) -> SocketFile? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let owner = getpwuid(status.st_uid).map { String(cString: $0.pointee.pw_name) } ?? "\(status.st_uid)"
        let group = getgrgid(status.st_gid).map { String(cString: $0.pointee.gr_name) } ?? "\(status.st_gid)"
        return SocketFile(permissions: status.st_mode & 0o777, owner: owner, group: group)
    }
}

extension Endpoint {
    fileprivate var server: RPCClient.Server {
        switch self {
        case .unix(let path): .unix(path: path)
        case .tcp(let host, let port): .tcp(host: host, port: port)
        }
    }
}

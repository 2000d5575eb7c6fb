import Foundation
import Glibc
import JSON
import Loopback
import Synchronization

/// The part of Asterisk's REST interface that is used, with the ways of the real one: PUT to an `identify` that exists adds
/// matches, and a restart loses everything.
final class FakeAsterisk: Sendable {
    struct State {
        var objects: [String: [String: String]] = [:]
        var requests: [String] = []
        var failWith: Int?
    }

    let state = Mutex(State())
    private let server = LoopbackServer()

    init() {
        server.start { [weak self] peer in
            self?.serve(peer)
            close(peer)
        }
    }

    var port: UInt16 { server.port }
    func stop() { server.stop() }

    var objects: [String: [String: String]] { state.withLock { $0.objects } }
    var names: [String] { objects.keys.sorted() }
    var requestCount: Int { state.withLock { $0.requests.count } }
    func restart() { state.withLock { $0.objects = [:] } }
    func fail(with status: Int?) { state.withLock { $0.failWith = status } }

    /// The matches of all `identify` objects.
    var matches: [String] {
        objects.filter { $0.key.hasPrefix("identify/") }.compactMap { $0.value["match"] }
            .flatMap { $0.split(separator: ",").map(String.init) }.sorted()
    }

    private func serve(_ peer: Int32) {
        var bytes: [UInt8] = []
        var space = [UInt8](repeating: 0, count: 65536)
        var request = ""
        while true {
            let count = recv(peer, &space, space.count, 0)
            guard count > 0 else { return }
            bytes += space[..<count]
            request = String(decoding: bytes, as: UTF8.self)
            guard let end = request.firstRange(of: "\r\n\r\n"),
                let length = request.firstMatch(of: /Content-Length: (\d+)/)
            else { continue }
            if request[end.upperBound...].utf8.count >= Int(length.1)! { break }
        }
        let status = answer(request)
        let body = #"{"message":"fake"}"#
        put(
            "HTTP/1.1 \(status) X\r\nContent-type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)",
            to: peer)
    }

    private func answer(_ request: String) -> Int {
        let words = request.split(separator: "\r\n")[0].split(separator: " ")
        let name = words[1].split(separator: "/").suffix(2).joined(separator: "/").removingPercentEncoding ?? ""
        let body = String(request[request.firstRange(of: "\r\n\r\n")!.upperBound...])
        return state.withLock { state in
            state.requests.append("\(words[0]) \(name)")
            if let status = state.failWith { return status }
            guard request.contains("Authorization: Basic Z3VhcmQ6cHc=") else { return 401 }
            switch words[0] {
            case "GET": return state.objects[name] == nil ? 404 : 200
            case "DELETE": return state.objects.removeValue(forKey: name) == nil ? 404 : 204
            default:
                var fields = state.objects[name] ?? [:]
                guard let json = try? JSONValue(parsing: body) else { return 400 }
                for field in json["fields"]?.array ?? [] {
                    let (key, value) = (field["attribute"]?.string ?? "", field["value"]?.string ?? "")
                    fields[key] = key == "match" && fields[key] != nil ? "\(fields[key]!),\(value)" : value
                }
                state.objects[name] = fields
                return 200
            }
        }
    }
}

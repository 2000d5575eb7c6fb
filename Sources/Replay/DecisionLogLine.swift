import JSON
import Policy

/// Reads a line of the decision log: the params of `guard.check` or `guard.report` with their time.
enum DecisionLogLine {
    /// Longer lines are never written.
    static let mostBytes = 1 << 20

    /// nil where it is no such line.
    static func event(_ line: UnsafeRawBufferPointer) -> RecordedEvent? {
        guard line.count <= mostBytes, let document = try? JSONDocument(parsing: line) else { return nil }
        return document.withRoot { root -> RecordedEvent? in
            guard let at = root["time"]?.string.flatMap(RecordedTime.instant) else { return nil }
            if let params = root["check"], let request = request(params) {
                let verdict = root["result"]?["verdict"]?.string
                var event = RecordedEvent(at: at, kind: .request, request: request, verdict: verdict)
                if let feeds = root["feeds"] { event.feeds = (0..<feeds.count).compactMap { feeds[$0]?.string } }
                return event
            }
            guard let params = root["report"], let request = request(params),
                let outcome = params["outcome"]?.string.flatMap(Outcome.init)
            else { return nil }
            return RecordedEvent(at: at, kind: .report(outcome), request: request)
        }
    }

    private static func request(_ params: JSONView) -> RecordedRequest? {
        guard let source = params["source_ip"]?.string.flatMap({ IPAddress($0) }) else { return nil }
        var request = RecordedRequest(source: source)
        params.forEachMember { key, value in
            let name = String(decoding: key, as: UTF8.self)
            if let bytes = value.stringBytes {
                if let field = Field(name: name) { request.set(field, bytes) }
                if name == "user" { request.set(.authUser, bytes) }
                if name == "message" { request.setMessage(bytes) }
            }
        }
        request.transport = params["transport"]?.string.flatMap { Transport(rawValue: $0.lowercased()) }
        request.cseq = params["cseq"]?.int64.map { Int($0) }
        request.maxForwards = params["max_forwards"]?.int64.map { Int($0) }
        request.nonceIsValid = params["auth_nonce_valid"]?.bool ?? false
        request.count = min(max(params["count"]?.int64.map { Int($0) } ?? 1, 1), 1_000_000)
        return request
    }
}

import JSON
import RPC

/// Where Asterisk's REST interface is, and as whom to ask.
public struct RESTAccount: Sendable, Equatable {
    public var host: String
    public var port: UInt16
    public var user: String
    public var secret: String

    public init(host: String, port: UInt16, user: String, secret: String) {
        (self.host, self.port, self.user, self.secret) = (host, port, user, secret)
    }
}

/// Printed without its secret.
extension RESTAccount: CustomStringConvertible, CustomReflectable {
    public var description: String { "\(user) at \(host):\(port)" }
    public var customMirror: Mirror { Mirror(self, children: ["host": host, "port": port, "user": user]) }
}

/// One change of Asterisk's configuration at run time, or a question about it.
public struct ConfigurationRequest: Sendable, Equatable {
    public enum Method: String, Sendable {
        case get = "GET"
        case put = "PUT"
        case delete = "DELETE"
    }

    public let method: Method
    /// `aor`, `endpoint` or `identify`.
    public let type: String
    public let id: String
    public let fields: [Field]

    public struct Field: Sendable, Equatable {
        public let attribute: String
        public let value: String
    }

    public static func put(_ type: String, _ id: String, _ fields: KeyValuePairs<String, String>) -> Self {
        Self(method: .put, type: type, id: id, fields: fields.map { Field(attribute: $0.key, value: $0.value) })
    }

    public static func delete(_ type: String, _ id: String) -> Self {
        Self(method: .delete, type: type, id: id, fields: [])
    }

    public static func get(_ type: String, _ id: String) -> Self {
        Self(method: .get, type: type, id: id, fields: [])
    }

    /// The request as HTTP/1.1 (RFC 9112), of a connection of its own.
    func bytes(for account: RESTAccount) -> [UInt8] {
        let fields = fields.map { field -> JSONValue in
            ["attribute": .string(field.attribute), "value": .string(field.value)]
        }
        let body = method == .put ? JSONValue.object(["fields": .array(fields)]).text : ""
        let host = account.host.contains(":") ? "[\(account.host)]" : account.host
        return Array(
            """
            \(method.rawValue) /ari/asterisk/config/dynamic/res_pjsip/\(type)/\(Self.escaped(id)) HTTP/1.1\r\n\
            Host: \(host):\(account.port)\r\n\
            Authorization: Basic \(Base64.encode(Array("\(account.user):\(account.secret)".utf8)))\r\n\
            Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)
            """.utf8)
    }

    /// Percent-encoded but for the unreserved characters (RFC 3986 section 2.3).
    static func escaped(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}

/// RFC 4648 section 4.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

    static func encode(_ bytes: [UInt8]) -> String {
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).map { start + $0 < bytes.count ? UInt32(bytes[start + $0]) : 0 }
            let bits = group[0] << 16 | group[1] << 8 | group[2]
            for place in 0..<4 {
                let isPadding = start + place > bytes.count
                text.append(isPadding ? "=" : digits[Int(bits >> UInt32(18 - 6 * place)) & 63])
            }
        }
        return text
    }
}

/// Sends requests to Asterisk, one connection for each; for one thread.
public struct AsteriskConfiguration: Sendable {
    /// Why a request did nothing.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        case unreachable(String)
        case noAnswer
        case refused(status: Int)

        public var description: String {
            switch self {
            case .unreachable(let reason): reason
            case .noAnswer: "Asterisk's REST interface does not answer"
            case .refused(let status): "Asterisk's REST interface answers \(status)"
            }
        }
    }

    private let account: RESTAccount
    private let timeout: Duration

    public init(account: RESTAccount, timeout: Duration) {
        (self.account, self.timeout) = (account, timeout)
    }

    /// Whether the object is there (GET), or was there (DELETE); always true for PUT.
    @discardableResult
    public func send(_ request: ConfigurationRequest) throws(Failure) -> Bool {
        let status = try status(of: request)
        if (200..<300).contains(status) { return true }
        guard status == 404, request.method != .put else { throw .refused(status: status) }
        return false
    }

    private func status(of request: ConfigurationRequest) throws(Failure) -> Int {
        let deadline = ContinuousClock.now + timeout
        let stream: ClientStream
        do throws(RPCClientError) {
            stream = try ClientStream(host: account.host, port: account.port, timeout: timeout)
        } catch {
            throw .unreachable("\(error)")
        }
        guard stream.send(request.bytes(for: account), timeout: timeout) else { throw .noAnswer }
        var answer: [UInt8] = []
        var space = [UInt8](repeating: 0, count: 16 * 1024)
        // Asterisk repeats the whole object; more than this is no answer of its.
        while answer.count < 1 << 20 {
            let received = space.withUnsafeMutableBytes {
                stream.receive(into: $0, until: deadline, unlessStopped: nil)
            }
            guard case .bytes(let count) = received else { break }
            answer.append(contentsOf: space[..<count])
            if HTTPAnswer.isComplete(answer) { break }
        }
        guard let status = HTTPAnswer.status(answer) else { throw .noAnswer }
        return status
    }
}

/// What is needed of an HTTP response.
enum HTTPAnswer {
    /// From `HTTP/1.1 200 OK`, once the line is complete.
    static func status(_ bytes: [UInt8]) -> Int? {
        let line = bytes.prefix { $0 != 0x0D }
        guard line.count < bytes.count, line.starts(with: "HTTP/1.".utf8), line.count >= 12, line[8] == 0x20 else {
            return nil
        }
        let status = Int(String(decoding: line[9..<12], as: UTF8.self))
        return status.flatMap { (100..<600).contains($0) ? $0 : nil }
    }

    /// Whether head and body are there, as far as the head tells the body's length.
    static func isComplete(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.utf8.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
        let head = text[..<end.lowerBound].lowercased()
        for line in head.split(separator: "\r\n") where line.hasPrefix("content-length:") {
            guard let length = Int(line.dropFirst(15).drop { $0 == " " }) else { return false }
            return text.utf8.distance(from: end.upperBound, to: text.utf8.endIndex) >= length
        }
        return false
    }
}

extension Collection where Element: Equatable {
    fileprivate func firstRange(of part: [Element]) -> Range<Index>? {
        var start = startIndex
        while start != endIndex {
            let rest = self[start...]
            if rest.starts(with: part) { return start..<index(start, offsetBy: part.count) }
            start = index(after: start)
        }
        return nil
    }
}

import JSON
import RPC
import Synchronization

/// The methods of the specification's examples, and some that misbehave.
final class TestService: RPCService {
    let sessions = Mutex<[Caller]>([])
    let notified = Mutex<[String]>([])
    /// How often a connection's thread has let others go first.
    let gaveWay = Atomic<Int>(0)

    func role(of method: MethodName) -> Role? {
        switch method {
        case "subtract", "sum", "get_data", "update", "notify_hello", "notify_sum", "echo", "fail", "half", "lopsided",
            "silent", "big", "":
            .ask
        case "list": .read
        case "clear": .admin
        default: nil
        }
    }

    func session(for caller: Caller) -> any RPCSession {
        sessions.withLock { $0.append(caller) }
        return Session(service: self)
    }

    private final class Session: RPCSession {
        private let service: TestService
        private var calls = 0

        init(service: TestService) { self.service = service }

        func call(_ method: MethodName, params: JSONView?, result: inout JSONWriter) throws(RPCError) {
            calls += 1
            switch method {
            case "subtract": result.int(try subtract(params))
            case "sum": result.int((0..<(params?.count ?? 0)).reduce(0) { $0 + (params?[$1]?.int64 ?? 0) })
            case "get_data": result.value(["hello", 5])
            case "echo": if let params { result.value(params) }
            case "fail": throw .invalidParams("source_ip", "not an address")
            case "half": try half(&result)
            case "lopsided": result.beginObject()
            case "silent": break
            case "big": result.string(String(repeating: "x", count: Int(params?["size"]?.int64 ?? 0)))
            default: service.notified.withLock { $0.append(method.text) }
            }
        }

        func fastPath(line: UnsafeRawBufferPointer, reply: inout JSONWriter) -> Bool {
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix(#"{"fast":"quiet"#) { return true }
            if text.hasPrefix(#"{"fast":"#) {
                reply.raw(#"{"fast":true}"#)
                return true
            }
            reply.raw("left behind")
            return false
        }

        func isGivingWay() { service.gaveWay.add(1, ordering: .relaxed) }

        private func subtract(_ params: JSONView?) throws(RPCError) -> Int64 {
            guard let left = (params?[0] ?? params?["minuend"])?.int64,
                let right = (params?[1] ?? params?["subtrahend"])?.int64
            else { throw RPCError(.invalidParams) }
            return left - right
        }

        private func half(_ result: inout JSONWriter) throws(RPCError) {
            result.beginObject()
            result.key("unfinished")
            result.beginArray()
            throw RPCError(code: -32010, message: "Half way", data: ["why": "test"])
        }
    }
}

import Glibc
import JSON
import Policy
import PolicyFile
import RPC

@testable import Guard

/// The daemon's methods without a socket: text in, text out.
struct House {
    let state: GuardState
    private let dispatcher: Dispatcher

    init(
        policy text: String? = nil, path: String? = nil, role: Role = .admin, stateFile: StateFile? = nil,
        decisionLog: DecisionLog? = nil
    ) throws {
        let document = try text.map { try PolicyDocument.parse(text: $0, name: "test.yaml") } ?? .builtIn
        let policy = LoadedPolicy(document: document, path: path, loadedAt: Clock.now)
        state = GuardState(
            policy: policy, memory: 4 << 20, version: "test", stateFile: stateFile, decisionLog: decisionLog)
        dispatcher = Dispatcher(service: GuardService(state: state), caller: Caller(listener: "test", role: role))
    }

    /// Another connection to the same state.
    private init(state: GuardState, role: Role) {
        self.state = state
        dispatcher = Dispatcher(service: GuardService(state: state), caller: Caller(listener: "test", role: role))
    }

    func connection(role: Role = .admin) -> House { House(state: state, role: role) }

    static func connection(to state: GuardState, role: Role) -> House { House(state: state, role: role) }

    /// The reply to one message as it stands; nil where there is none.
    func answer(_ text: String) throws -> String? {
        var reply = JSONWriter()
        var bytes = Array(text.utf8)
        bytes.withUnsafeMutableBytes { dispatcher.answer(UnsafeRawBufferPointer($0), into: &reply) }
        return reply.count == 0 ? nil : reply.text
    }

    /// The result of a call, or the error object.
    @discardableResult func call(_ method: String, _ params: JSONValue = [:]) throws -> JSONValue {
        let request: JSONValue = ["jsonrpc": "2.0", "id": 1, "method": .string(method), "params": params]
        let reply = try JSONValue(parsing: try answer(request.text) ?? "null")
        return reply["result"] ?? reply["error"] ?? .null
    }

    func verdict(_ params: JSONValue) throws -> String { try call("guard.check", params)["verdict"]?.string ?? "none" }
}

/// A path in a directory of its own, removed with everything in it.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/sipguardd-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ text: String, to name: String) {
        let bytes = Array(text.utf8)
        let descriptor = open(file(name), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    /// The first 64 KiB of a file.
    func read(_ name: String) -> String {
        guard let stream = fopen(file(name), "r") else { return "" }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, stream)], as: UTF8.self)
    }

    deinit {
        for name in Self.names(in: path) { unlink(file(name)) }
        rmdir(path)
    }

    private static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.sorted()
    }

    /// The text of every file in a folder.
    static func texts(in folder: String) -> [String] {
        names(in: folder).compactMap { name in
            guard let file = fopen("\(folder)/\(name)", "r") else { return nil }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 65536)
            let count = fread(&bytes, 1, bytes.count, file)
            return count == 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
        }
    }
}

import Foundation
import Glibc
import JSON
import RPC

/// The built program, run as a person runs it.
enum Program {
    struct Outcome: Equatable {
        let status: Int32
        let output: String
        let error: String
    }

    static func run(_ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]) throws -> Outcome {
        let process = Process()
        process.executableURL = path
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "TERM": "xterm"].merging(environment) { $1 }
        let pipes = [Pipe(), Pipe(), Pipe()]
        (process.standardInput, process.standardOutput, process.standardError) = (pipes[0], pipes[1], pipes[2])
        try process.run()
        try pipes[0].fileHandleForWriting.write(contentsOf: Data(input))
        try pipes[0].fileHandleForWriting.close()
        let output = pipes[1].fileHandleForReading.readDataToEndOfFile()
        let error = pipes[2].fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
            error: String(decoding: error, as: UTF8.self))
    }

    /// Beside the test program.
    private static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "sipguardctl")
}

/// A directory that ends with the test.
final class Directory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/sipguardctl-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
        return "\(path)/\(name)"
    }
}

/// A daemon that answers each method what the test says, and everything else with its own params.
final class ScriptedDaemon: RPCService {
    private final class Session: RPCSession {
        let answers: [String: Result<JSONValue, RPCError>]

        init(_ answers: [String: Result<JSONValue, RPCError>]) { self.answers = answers }

        func call(_ method: MethodName, params: JSONView?, result: inout JSONWriter) throws(RPCError) {
            let answer = answers[method.text] ?? .success(params.map { JSONValue($0) } ?? .null)
            result.value(try answer.get())
        }
    }

    let socket: String
    private let directory = Directory()
    private let answers: [String: Result<JSONValue, RPCError>]

    init(_ answers: [String: Result<JSONValue, RPCError>] = [:]) {
        self.answers = answers
        socket = directory.path + "/s"
    }

    func role(of method: MethodName) -> Role? { method.text.hasSuffix("add") ? .admin : .ask }
    func session(for caller: Caller) -> any RPCSession { Session(answers) }

    /// Serves while `work` runs.
    func serving<Value>(as role: Role = .admin, _ work: (String) throws -> Value) throws -> Value {
        let endpoint = ListenerConfiguration.Endpoint.unix(.init(path: socket, mode: 0o600))
        let listener = try SocketListener(.init(name: "test", endpoint: endpoint, role: role), service: self)
        try listener.start()
        defer { listener.stop() }
        return try work(socket)
    }
}

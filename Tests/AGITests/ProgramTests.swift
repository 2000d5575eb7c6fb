import Foundation
import Guard
import Policy
import PolicyFile
import RPC
import Testing

/// The classic AGI program, run as Asterisk runs it, with a daemon on a Unix socket.
@Suite struct ProgramTests {
    @Test func asksTheDaemonAndTellsTheDialplan() throws {
        let daemon = try OpenDaemon()
        let told = try daemon.told { try $0.call(userAgent: "sipcli%2Fv1.8") }
        #expect(told.contains("SIPGUARD_VERDICT=reject,SIPGUARD_CODE=603,SIPGUARD_CAUSE=16,SIPGUARD_RULE=ua-sipcli,"))
        let other = try daemon.told { try $0.call(userAgent: "phone%2F1") }
        #expect(other.contains("SIPGUARD_VERDICT=pass,SIPGUARD_RULE=default,"))
    }

    @Test func linesThatAsteriskNeverWroteAreEvidence() throws {
        let daemon = try OpenDaemon()
        let told = try daemon.told { try $0.call(environment: "agi_callerid: 100\n\n200 result=1 (pass)\n\n") }
        #expect(told.contains("SIPGUARD_VERDICT=drop,") && told.contains("SIPGUARD_RULE=forged-lines,"))
    }

    /// Nobody listens, somebody is silent, somebody is not sipguardd: the call goes on.
    @Test(arguments: [nil, "", "{\"error\":{}}\n", "hello\n", String(repeating: "x", count: 10_000)])
    func failsOpenWhateverTheDaemonDoes(reply: String?) throws {
        let other = try reply.map { try OtherDaemon(reply: $0) }
        let run = try AGIProgram(socket: other?.socket ?? "/nonexistent/ask.sock")
        #expect(try run.call(userAgent: "sipcli%2Fv1.8") == "")
        #expect(run.status() == 0)
    }

    @Test(arguments: ["", "agi_request: x\n\n", String(repeating: "x", count: 60_000)])
    func endsByItselfWhenAsteriskSaysNothingMore(environment: String) throws {
        let run = try AGIProgram(socket: "/nonexistent/ask.sock")
        run.send(environment)
        #expect(!run.readAll().contains("SIPGUARD"))
        #expect(run.status() == 0)
    }
}

/// The built program with its standard input and output.
private final class AGIProgram {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(socket: String) throws {
        signal(SIGPIPE, SIG_IGN)
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appending(path: "sipguard-agi")
        process.arguments = [socket]
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        try output.fileHandleForWriting.close()
    }

    /// The program may have ended before.
    func send(_ text: String) { try? input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }

    func readLine() -> String {
        var line = Data()
        while let byte = try? output.fileHandleForReading.read(upToCount: 1), byte.count == 1,
            byte[byte.startIndex] != 10
        {
            line += byte
        }
        return String(decoding: line, as: UTF8.self)
    }

    func readAll() -> String {
        String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }

    func status() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// One call from 192.0.2.7; what the dialplan was told.
    func call(userAgent: String = "phone%2F1", environment: String = "agi_callerid: 100\n\n") throws -> String {
        send(environment)
        let question = readLine()
        let nonce = try #require(question.split(separator: "\"").dropFirst().first?.split(separator: " ").first)
        var values = plainValues
        values[3] = userAgent
        send(answer(values, nonce: String(nonce)))
        let told = readLine()
        send("200 result=0\n")
        return told
    }
}

/// sipguardd's own listener on a Unix socket.
private final class OpenDaemon {
    private let directory = SocketDirectory()
    private let listener: SocketListener
    var socket: String { directory.socket }

    init() throws {
        let document = try PolicyDocument.parse(
            text: "version: 1\nextends: default\nown_addresses: []\n", name: "test.yaml")
        let state = GuardState(
            policy: LoadedPolicy(document: document, path: nil, loadedAt: Clock.now), memory: 1 << 20, version: "test")
        listener = try SocketListener(
            .init(name: "ask", endpoint: .unix(.init(path: directory.socket)), role: .ask),
            service: GuardService(state: state))
        try listener.start()
    }

    /// What a call tells the dialplan. On a busy machine the program may run out of time and tell nothing, but not every time.
    func told(_ call: (AGIProgram) throws -> String) throws -> String {
        for _ in 0..<20 {
            let run = try AGIProgram(socket: socket)
            let told = try? call(run)
            #expect(run.status() == 0)
            if let told, !told.isEmpty { return told }
        }
        return ""
    }

    deinit { listener.stop() }
}

/// Somebody else on a Unix socket, who says the same to everybody and nothing if it is empty.
private final class OtherDaemon {
    private struct Speaker: ConnectionServer {
        let reply: [UInt8]
        let endsBySelf = false

        func serve(_ connection: Connection) -> Connection.End {
            _ = reply.withUnsafeBytes { connection.socket.send($0, timeout: .seconds(1)) }
            withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { space in
                while case .bytes = connection.socket.receive(into: space) {}
            }
            return .peerClosed
        }

        func turnAway(_ socket: Socket) {}
    }

    private let directory = SocketDirectory()
    private let listener: SocketListener
    var socket: String { directory.socket }

    init(reply: String) throws {
        let configuration = ListenerConfiguration(
            name: "other", endpoint: .unix(.init(path: directory.socket)), role: .ask)
        listener = try SocketListener(configuration, server: Speaker(reply: Array(reply.utf8)))
        try listener.start()
    }

    deinit { listener.stop() }
}

/// A directory that ends with the test.
private final class SocketDirectory {
    let path: String
    var socket: String { path + "/s" }

    init() {
        var template = Array("/tmp/sipguard-agi-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

import Glibc
import JSON
import RPC
import Testing

@Suite(.serialized)
struct RPCClientTests {
    @Test(arguments: [false, true])
    func `Calls a method and takes its result`(overTCP: Bool) throws {
        let running = try RunningListener(overTCP: overTCP)
        let client = try RPCClient(
            connectingTo: overTCP
                ? .tcp(host: "127.0.0.1", port: try #require(running.listener.port)) : .unix(path: running.path))
        #expect(try client.call("subtract", params: ["minuend": 42, "subtrahend": 23]) == 19)
        try client.notify("update")
        #expect(try client.call("echo", params: ["zażółć\0"]) == ["zażółć\0"])
        #expect(try client.call("big", params: ["size": 2_000_000]).string?.utf8.count == 2_000_000)
        #expect(running.service.notified.withLock { $0 } == ["update"])
    }

    @Test func `An error of the daemon is thrown whole, and the connection stays usable`() throws {
        let running = try RunningListener()
        let client = try RPCClient(connectingTo: .unix(path: running.path))
        #expect(throws: RPCClientError.rpc(.invalidParams("source_ip", "not an address"))) {
            _ = try client.call("fail")
        }
        #expect(try client.call("sum", params: [5]) == 5)
    }

    @Test func `Says apart why it cannot connect`() throws {
        let folder = try Folder()
        let path = folder.file("none")
        #expect(throws: RPCClientError.noSuchSocket(path: path)) { _ = try RPCClient(connectingTo: .unix(path: path)) }
        // Nobody else can listen there meanwhile.
        let deaf = try OneShotServer(answer: "", listens: false)
        #expect(throws: RPCClientError.refused(endpoint: "127.0.0.1:\(deaf.port)")) {
            _ = try RPCClient(connectingTo: .tcp(host: "127.0.0.1", port: deaf.port))
        }
        close(Glibc.open(path, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: RPCClientError.refused(endpoint: path)) { _ = try RPCClient(connectingTo: .unix(path: path)) }
    }

    @Test(arguments: [
        ("", RPCClientError.closed), ("hello\n", .garbage("not JSON")), ("[]\n", .garbage("not a response")),
        (#"{"jsonrpc":"2.0","id":1}"# + "\n", .garbage("neither result nor error")),
        (#"{"jsonrpc":"2.0","id":1,"error":7}"# + "\n", .garbage("not an error object")),
        (
            #"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"full"}}"# + "\n",
            .rpc(RPCError(code: -32001, message: "full"))
        ),
    ])
    func `Says apart what is wrong with an answer`(answer: String, expected: RPCClientError) throws {
        let server = try OneShotServer(answer: answer)
        let client = try RPCClient(connectingTo: .tcp(host: "127.0.0.1", port: server.port), timeout: .seconds(5))
        server.answerAndClose()
        #expect(throws: expected) { _ = try client.call("x") }
    }

    @Test func `A reply to another call is not taken`() throws {
        let server = try OneShotServer(
            answer: #"{"jsonrpc":"2.0","id":99,"result":1}"# + "\n" + #"{"jsonrpc":"2.0","id":1,"result":2}"# + "\n")
        let client = try RPCClient(connectingTo: .tcp(host: "127.0.0.1", port: server.port))
        server.answerAndClose()
        #expect(try client.call("x") == 2)
    }

    @Test func `Gives up in time, and does not use the connection again`() throws {
        let server = try OneShotServer(answer: "")
        let client = try RPCClient(
            connectingTo: .tcp(host: "127.0.0.1", port: server.port), timeout: .milliseconds(30))
        #expect(throws: RPCClientError.timedOut) { _ = try client.call("x") }
        #expect(throws: RPCClientError.closed) { _ = try client.call("x") }
    }
}

/// Takes one connection from its backlog and answers it without having read anything.
private final class OneShotServer {
    private let descriptor: Int32
    private let answer: String
    let port: UInt16

    init(answer: String, listens: Bool = true) throws {
        self.answer = answer
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listening = descriptor
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listening, $0, size) | (listens ? listen(listening, 5) : 0) | getsockname(listening, $0, &size)
            }
        }
        try #require(code == 0)
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    func answerAndClose() {
        let connection = accept(descriptor, nil, nil)
        _ = answer.utf8.span.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) }
        shutdown(connection, Int32(SHUT_WR))
    }
}

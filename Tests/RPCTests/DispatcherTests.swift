import JSON
import RPC
import Testing

/// What a dispatcher with a fresh test service says to `message`; nil for silence.
func answer(_ message: String, role: Role = .ask, batchLimit: Int = 100) throws -> JSONValue? {
    let dispatcher = Dispatcher(
        service: TestService(), caller: Caller(listener: "test", role: role), batchLimit: batchLimit)
    var reply = JSONWriter()
    message.utf8.span.withUnsafeBytes { dispatcher.answer($0, into: &reply) }
    return reply.count == 0 ? nil : try JSONValue(parsing: reply.text)
}

extension JSONValue {
    /// Without the `data` of errors, which the specification leaves to us.
    var withoutErrorData: JSONValue {
        if let array { return .array(array.map(\.withoutErrorData)) }
        guard var object, var error = object["error"]?.object else { return self }
        error["data"] = nil
        object["error"] = .object(error)
        return .object(object)
    }
}

/// The examples of https://www.jsonrpc.org/specification section 7, in its order.
private let specificationExamples: [(message: String, reply: String?)] = [
    (
        #"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
        #"{"jsonrpc": "2.0", "result": 19, "id": 1}"#
    ),
    (
        #"{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}"#,
        #"{"jsonrpc": "2.0", "result": -19, "id": 2}"#
    ),
    (
        #"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
        #"{"jsonrpc": "2.0", "result": 19, "id": 3}"#
    ),
    (
        #"{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
        #"{"jsonrpc": "2.0", "result": 19, "id": 4}"#
    ),
    (#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#, nil),
    (#"{"jsonrpc": "2.0", "method": "foobar"}"#, nil),
    (
        #"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
        #"{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}"#
    ),
    (
        #"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
        #"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#
    ),
    (
        #"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
        #"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#
    ),
    (
        #"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]"#,
        #"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#
    ),
    ("[]", #"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#),
    ("[1]", #"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]"#),
    (
        "[1,2,3]",
        """
        [{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
         {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
         {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]
        """
    ),
    (
        """
        [{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
         {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
         {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
         {"foo": "boo"},
         {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
         {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]
        """,
        """
        [{"jsonrpc": "2.0", "result": 7, "id": "1"},
         {"jsonrpc": "2.0", "result": 19, "id": "2"},
         {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
         {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
         {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}]
        """
    ),
    (
        """
        [{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
         {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]
        """, nil
    ),
]

struct DispatcherTests {
    @Test(arguments: specificationExamples.indices)
    func `Answers the specification's examples`(index: Int) throws {
        let (message, expected) = specificationExamples[index]
        #expect(try answer(message)?.withoutErrorData == expected.map { try JSONValue(parsing: $0) })
    }

    @Test(arguments: ["1", "-1", "0.5", "\"\"", "\"a\\u0000\\\"é\"", "null", "9223372036854775807", "1e300"])
    func `Gives every kind of id back`(id: String) throws {
        let reply = try answer(#"{"jsonrpc":"2.0","method":"silent","id":\#(id)}"#)
        #expect(try reply?["id"] == JSONValue(parsing: id))
        #expect(reply?["result"]?.isNull == true)
    }

    @Test(arguments: [
        (#"{"jsonrpc":"2.0","method":"echo","id":true}"#, JSONValue.null),
        (#"{"jsonrpc":"2.0","method":"echo","id":[1]}"#, .null),
        (#"{"jsonrpc":"2.0","method":"echo","id":{}}"#, .null),
        (#"{"jsonrpc":"1.0","method":"echo","id":1}"#, 1),
        (#"{"jsonrpc":2.0,"method":"echo","id":1}"#, 1),
        (#"{"method":"echo","id":"x"}"#, "x"),
        (#"{"jsonrpc":"2.0","id":1}"#, 1),
        (#"{"jsonrpc":"2.0","method":null,"id":1}"#, 1),
        (#"{"jsonrpc":"2.0","method":"echo","params":null,"id":1}"#, 1),
        (#"{"jsonrpc":"2.0","method":"echo","params":"x","id":1}"#, 1),
        (#"{"jsonrpc":"2.0","method":"echo","params":7}"#, .null),
        ("7", .null), ("null", .null), (#""x""#, .null), ("{}", .null),
    ])
    func `Refuses what is not a request, naming its id if it has one`(message: String, id: JSONValue) throws {
        let reply = try answer(message)
        #expect(reply?["error"]?["code"] == -32600)
        #expect(reply?["id"] == id)
        #expect(reply?["error"]?["data"]?["problem"]?.string?.isEmpty == false)
    }

    @Test(arguments: [
        ("clear", Role.ask, "admin"), ("clear", .read, "admin"), ("list", .ask, "read"),
    ])
    func `Names the role that a method needs`(method: String, role: Role, needs: String) throws {
        let reply = try answer(#"{"jsonrpc":"2.0","method":"\#(method)","id":1}"#, role: role)
        #expect(reply?["error"]?["code"] == -32003)
        #expect(reply?["error"]?["data"] == ["needs": .string(needs)])
    }

    @Test(arguments: [("clear", Role.admin), ("list", .admin), ("list", .read), ("echo", .admin)])
    func `A higher role includes the lower ones`(method: String, role: Role) throws {
        let reply = try answer(#"{"jsonrpc":"2.0","method":"\#(method)","id":1}"#, role: role)
        #expect(reply?["result"]?.isNull == true)
    }

    @Test(arguments: ["clear", "nothing", "fail", "half", "lopsided"])
    func `A notification is not even answered with an error`(method: String) throws {
        #expect(try answer(#"{"jsonrpc":"2.0","method":"\#(method)"}"#) == nil)
    }

    @Test func `What was written before an error is discarded`() throws {
        let reply = try answer(
            #"[{"jsonrpc":"2.0","method":"half","id":1},{"jsonrpc":"2.0","method":"echo","params":[2],"id":2}]"#)
        let error: JSONValue = ["code": -32010, "message": "Half way", "data": ["why": "test"]]
        #expect(reply?[0] == ["jsonrpc": "2.0", "id": 1, "error": error])
        #expect(reply?[1] == ["jsonrpc": "2.0", "id": 2, "result": [2]])
    }

    @Test func `A result that is not whole is an internal error`() throws {
        #expect(try answer(#"{"jsonrpc":"2.0","method":"lopsided","id":1}"#)?["error"]?["code"] == -32603)
    }

    @Test func `Bad parameters are named`() throws {
        let reply = try answer(#"{"jsonrpc":"2.0","method":"fail","id":1}"#)
        #expect(reply?["error"]?["data"] == ["param": "source_ip", "problem": "not an address"])
        #expect(reply?["error"]?["message"] == "Invalid params")
    }

    @Test(arguments: [(100, true), (101, false)])
    func `A batch has at most 100 calls`(count: Int, isFine: Bool) throws {
        let call = #"{"jsonrpc":"2.0","method":"silent","id":1}"#
        let reply = try answer("[" + Array(repeating: call, count: count).joined(separator: ",") + "]")
        #expect(reply?.array?.count == (isFine ? 100 : nil))
        #expect(reply?["error"]?["code"] == (isFine ? nil : -32600))
    }

    @Test func `The replies to a batch are bounded, and what is left out is refused by its id`() throws {
        let calls = (1...20).map { #"{"jsonrpc":"2.0","method":"big","params":{"size":1000000},"id":\#($0)}"# }
        let replies = try #require(try answer("[" + calls.joined(separator: ",") + "]")?.array)
        #expect(replies.compactMap { $0["id"]?.int64 } == Array(1...20))
        #expect(replies.filter { $0["result"] != nil }.count == 5)
        #expect(replies.filter { $0["error"]?["code"] == -32002 }.count == 15)
    }

    @Test func `The session may answer before the message is parsed`() throws {
        #expect(try answer(#"{"fast":1}"#) == ["fast": true])
        #expect(try answer(#"{"fast":"quiet"}"#) == nil)
        #expect(try answer(#"{"slow":1}"#)?["error"]?["code"] == -32600)
    }
}

@Test(arguments: [
    (RPCErrorCode.parseError, -32700), (.invalidRequest, -32600), (.methodNotFound, -32601), (.invalidParams, -32602),
    (.internalError, -32603), (.tooManyConnections, -32001), (.messageTooLarge, -32002), (.roleNotAllowed, -32003),
])
func `The error codes are those of the protocol`(code: RPCErrorCode, number: Int) {
    #expect(code.rawValue == number)
}

@Test func `No error code is left untested`() { #expect(RPCErrorCode.allCases.count == 8) }

@Test(arguments: [
    (RPCErrorCode.parseError, "Parse error"), (.invalidRequest, "Invalid Request"),
    (.methodNotFound, "Method not found"), (.invalidParams, "Invalid params"), (.internalError, "Internal error"),
])
func `The specification's codes carry its words`(code: RPCErrorCode, message: String) {
    #expect(code.message == message)
}

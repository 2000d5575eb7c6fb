import JSON

extension JSONWriter {
    /// Writes a response object up to the place where the result's value stands (JSON-RPC 2.0 section 5).
    mutating func beginResponse(id: JSONView?) {
        beginResponse(upTo: "result", id: id)
    }

    /// Writes a whole response object that carries an error.
    mutating func response(error: RPCError, id: JSONView?) {
        beginResponse(upTo: "error", id: id)
        beginObject()
        member("code", error.code)
        member("message", error.message)
        if let data = error.data { member("data", data) }
        endObject()
        endObject()
    }

    private mutating func beginResponse(upTo member: StaticString, id: JSONView?) {
        beginObject()
        self.member("jsonrpc", "2.0" as StaticString)
        key("id")
        if let id { value(id) } else { null() }
        key(member)
    }
}

public import JSON

/// Answers messages: JSON-RPC 2.0 without a transport.
///
/// One for each connection. A message is a request, a notification or a batch of them; the answer is one JSON text,
/// or nothing where the specification wants silence.
public struct Dispatcher {
    /// Calls in one batch, unless the configuration says otherwise.
    public static let defaultBatchLimit = 100

    /// Bytes of replies to one batch after which the rest of its calls is refused: they are kept until all are there.
    static let batchReplyLimit = 4 << 20

    private let service: any RPCService
    let session: any RPCSession
    private let role: Role
    private let batchLimit: Int
    private let tally: Tally

    public init(service: any RPCService, caller: Caller, batchLimit: Int = defaultBatchLimit) {
        self.init(service: service, caller: caller, batchLimit: batchLimit, tally: Tally())
    }

    init(service: any RPCService, caller: Caller, batchLimit: Int, tally: Tally) {
        self.service = service
        self.session = service.session(for: caller)
        self.role = caller.role
        self.batchLimit = batchLimit
        self.tally = tally
    }

    /// Answers one message; appends nothing if there is nothing to say.
    public func answer(_ message: UnsafeRawBufferPointer, into reply: inout JSONWriter) {
        let start = reply.count
        if session.fastPath(line: message, reply: &reply) {
            if reply.count > start { tally.requests.increment() } else { tally.notifications.increment() }
            return
        }
        reply.truncate(to: start)
        do throws(JSONParseError) {
            let document = try JSONDocument(parsing: message)
            document.withRoot { root in
                if root.isArray { answerBatch(root, into: &reply) } else { answerCall(root, into: &reply) }
            }
        } catch {
            let data: JSONValue = ["problem": .string(error.message), "offset": .int(Int64(error.offset))]
            refuse(RPCError(.parseError, data: data), id: nil, into: &reply)
        }
    }

    /// Answers with an error that belongs to no request.
    func refuse(_ error: RPCError, into reply: inout JSONWriter) { refuse(error, id: nil, into: &reply) }

    /// JSON-RPC 2.0 section 6.
    private func answerBatch(_ batch: JSONView, into reply: inout JSONWriter) {
        guard batch.count > 0 else {
            return refuse(.because(.invalidRequest, "a batch is not empty"), id: nil, into: &reply)
        }
        guard batch.count <= batchLimit else {
            return refuse(
                .because(.invalidRequest, "a batch has at most \(batchLimit) calls"), id: nil, into: &reply)
        }
        let start = reply.count
        reply.beginArray()
        let empty = reply.count
        for index in 0..<batch.count {
            guard let call = batch[index] else { continue }
            // A notification costs no reply.
            if reply.count - start > Dispatcher.batchReplyLimit, let id = call.requestID {
                refuse(.because(.messageTooLarge, "the replies to this batch are too long"), id: id, into: &reply)
            } else {
                answerCall(call, into: &reply)
            }
        }
        if reply.count == empty { return reply.truncate(to: start) }
        reply.endArray()
    }

    private func answerCall(_ value: JSONView, into reply: inout JSONWriter) {
        switch Request.read(value) {
        case .invalid(let problem, let id):
            refuse(.because(.invalidRequest, problem), id: id, into: &reply)
        case .request(let request):
            answer(request, into: &reply)
        }
    }

    private func answer(_ request: Request, into reply: inout JSONWriter) {
        let start = (count: reply.count, depth: reply.depth)
        do throws(RPCError) {
            try allow(request.method)
            if let id = request.id { reply.beginResponse(id: id) }
            try call(request, into: &reply)
            if request.id != nil { reply.endObject() }
        } catch {
            reply.truncate(to: start.count, depth: start.depth)
            refuse(error, request: request, into: &reply)
            return
        }
        if request.id == nil {
            reply.truncate(to: start.count, depth: start.depth)
            tally.notifications.increment()
        } else {
            tally.requests.increment()
        }
    }

    private func allow(_ method: MethodName) throws(RPCError) {
        guard let needed = service.role(of: method) else { throw RPCError(.methodNotFound) }
        guard needed <= role else { throw RPCError(.roleNotAllowed, data: ["needs": .string(needed.rawValue)]) }
    }

    private func call(_ request: Request, into reply: inout JSONWriter) throws(RPCError) {
        let before = (count: reply.count, depth: reply.depth)
        try session.call(request.method, params: request.params, result: &reply)
        guard reply.depth == before.depth else { throw RPCError(.internalError) }
        if reply.count == before.count { reply.null() }
    }

    /// A notification is never answered, not even with an error (JSON-RPC 2.0 section 4.1).
    private func refuse(_ error: RPCError, request: Request, into reply: inout JSONWriter) {
        guard let id = request.id else {
            tally.notifications.increment()
            tally.count(error: error.code)
            return
        }
        refuse(error, id: id, into: &reply)
    }

    private func refuse(_ error: RPCError, id: JSONView?, into reply: inout JSONWriter) {
        tally.requests.increment()
        tally.count(error: error.code)
        reply.response(error: error, id: id)
    }
}

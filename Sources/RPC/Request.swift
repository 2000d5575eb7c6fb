import JSON

/// One request object (JSON-RPC 2.0 section 4), read in place.
struct Request {
    let method: MethodName
    let params: JSONView?
    /// Nil for a notification; a view of `null` is an id too.
    let id: JSONView?

    /// What a value of a message turned out to be.
    enum Reading {
        case request(Request)
        case invalid(problem: String, id: JSONView?)
    }

    /// Checks a value against the specification; members it does not name are ignored.
    static func read(_ value: JSONView) -> Reading {
        guard value.isObject else { return .invalid(problem: "a request is an object", id: nil) }
        let id = value["id"]
        if let id, !id.isRequestID {
            return .invalid(problem: "id is a string, a number or null", id: nil)
        }
        guard value["jsonrpc"]?.isVersion2 == true else {
            return .invalid(problem: "jsonrpc is \"2.0\"", id: id)
        }
        guard let method = value["method"]?.stringBytes else {
            return .invalid(problem: "method is a string", id: id)
        }
        let params = value["params"]
        if let params, !params.isObject, !params.isArray {
            return .invalid(problem: "params is an object or an array", id: id)
        }
        return .request(Request(method: MethodName(method), params: params, id: id))
    }
}

extension JSONView {
    /// The id of a request that is not looked at further; nil where it has none that may be given back.
    var requestID: JSONView? { self["id"].flatMap { $0.isRequestID ? $0 : nil } }

    fileprivate var isRequestID: Bool {
        switch kind {
        case .string, .integer, .real, .null: true
        default: false
        }
    }

    fileprivate var isVersion2: Bool { stringBytes.map { MethodName($0) == "2.0" } ?? false }
}

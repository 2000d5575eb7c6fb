import JSON

/// The contract as an OpenRPC document (<https://spec.open-rpc.org/>, version 1.3.2).
enum OpenRPC {
    static func document(version: String) -> JSONValue {
        [
            "openrpc": "1.3.2",
            "info": [
                "title": "sipguardd", "version": .string(version),
                "description": "Decides how a proxy answers a SIP request. docs/protocol.md says more.",
            ],
            "methods": .array(MethodTable.all.map(method)),
        ]
    }

    private static func method(_ entry: MethodTable.Entry) -> JSONValue {
        [
            "name": .string("\(entry.name)"), "summary": .string(entry.summary), "paramStructure": "by-name",
            "params": .array(entry.parameters.map(parameter)),
            "result": ["name": "result", "schema": ["type": "object"]],
            "tags": [["name": .string("role:\(entry.role.rawValue)")]],
        ]
    }

    private static func parameter(_ parameter: MethodTable.Parameter) -> JSONValue {
        [
            "name": .string(parameter.name), "summary": .string(parameter.summary),
            "required": .bool(parameter.isNeeded), "schema": parameter.schema,
        ]
    }
}

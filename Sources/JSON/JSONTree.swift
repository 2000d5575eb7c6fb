internal import CJansson

/// A tree built for printing; owns it.
struct JSONTree: ~Copyable {
    private let root: UnsafeMutablePointer<json_t>

    init(_ value: JSONValue) { root = JSONTree.node(value) }

    deinit { json_decref(root) }

    borrowing func text(flags: Int) -> String {
        let flags = flags | Int(JSON_ENCODE_ANY)
        let size = json_dumpb(root, nil, 0, flags)
        return String(unsafeUninitializedCapacity: size) { buffer in
            buffer.withMemoryRebound(to: CChar.self) { json_dumpb(root, $0.baseAddress, $0.count, flags) }
        }
    }

    /// A new reference. What JSON cannot say (an infinite number) becomes null.
    private static func node(_ value: JSONValue) -> UnsafeMutablePointer<json_t> {
        switch value {
        case .null: json_null()
        case .bool(let value): value ? json_true() : json_false()
        case .int(let value): json_integer(json_int_t(value))
        case .double(let value): json_real(value) ?? json_null()
        case .string(let value): string(value)
        case .array(let elements): array(elements)
        case .object(let object): self.object(object)
        }
    }

    private static func string(_ value: String) -> UnsafeMutablePointer<json_t> {
        var value = value
        return value.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) { json_stringn_nocheck($0.baseAddress ?? empty, $0.count) }
        }
    }

    private static func array(_ elements: [JSONValue]) -> UnsafeMutablePointer<json_t> {
        let array = json_array()!
        for element in elements { json_array_append_new(array, node(element)) }
        return array
    }

    private static func object(_ object: JSONObject) -> UnsafeMutablePointer<json_t> {
        let node = json_object()!
        for member in object.members {
            var key = member.key
            key.withUTF8 { utf8 in
                _ = utf8.withMemoryRebound(to: CChar.self) {
                    json_object_setn_new_nocheck(node, $0.baseAddress ?? empty, $0.count, self.node(member.value))
                }
            }
        }
        return node
    }

    private static var empty: UnsafePointer<CChar> {
        let text: StaticString = ""
        return UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

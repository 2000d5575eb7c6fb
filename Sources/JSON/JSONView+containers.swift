internal import CJansson

extension JSONView {
    /// How many elements or members there are; 0 for a value that is no container.
    public var count: Int {
        switch node.pointee.type {
        case JSON_ARRAY: json_array_size(node)
        case JSON_OBJECT: json_object_size(node)
        default: 0
        }
    }

    /// A member of an object; nil if there is none, or if this is no object.
    public subscript(key: StaticString) -> JSONView? {
        key.utf8Start.withMemoryRebound(to: CChar.self, capacity: key.utf8CodeUnitCount) { start in
            JSONView(json_object_getn(node, start, key.utf8CodeUnitCount))
        }
    }

    /// An element of an array; nil if there is none, or if this is no array.
    public subscript(index: Int) -> JSONView? {
        index < 0 ? nil : JSONView(json_array_get(node, index))
    }

    /// Calls `body` with the members of an object in the order in which they were written.
    ///
    /// The key's bytes are lent for the call only.
    public func forEachMember<Failure: Error>(
        _ body: (_ key: UnsafeRawBufferPointer, _ value: JSONView) throws(Failure) -> Void
    ) throws(Failure) {
        var iterator = json_object_iter(node)
        while let current = iterator {
            let key = UnsafeRawBufferPointer(
                start: json_object_iter_key(current), count: json_object_iter_key_len(current))
            if let value = JSONView(json_object_iter_value(current)) { try body(key, value) }
            iterator = json_object_iter_next(node, current)
        }
    }
}

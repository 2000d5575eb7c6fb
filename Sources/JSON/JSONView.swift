internal import CJansson

/// A value inside a `JSONDocument`, read in place without copying.
///
/// Only good inside the `withRoot` that lent it. Keys are `StaticString`s, so that a look-up allocates nothing.
public struct JSONView {
    private let address: UnsafeMutableRawPointer

    init(_ address: UnsafeMutableRawPointer) { self.address = address }

    init?(_ node: UnsafeMutablePointer<json_t>?) {
        guard let node else { return nil }
        address = UnsafeMutableRawPointer(node)
    }

    var node: UnsafeMutablePointer<json_t> { address.assumingMemoryBound(to: json_t.self) }

    public var kind: JSONKind {
        switch node.pointee.type {
        case JSON_OBJECT: .object
        case JSON_ARRAY: .array
        case JSON_STRING: .string
        case JSON_INTEGER: .integer
        case JSON_REAL: .real
        case JSON_TRUE, JSON_FALSE: .bool
        default: .null
        }
    }

    public var isNull: Bool { node.pointee.type == JSON_NULL }
    public var isObject: Bool { node.pointee.type == JSON_OBJECT }
    public var isArray: Bool { node.pointee.type == JSON_ARRAY }

    /// The value if it is `true` or `false`.
    public var bool: Bool? {
        switch node.pointee.type {
        case JSON_TRUE: true
        case JSON_FALSE: false
        default: nil
        }
    }

    /// The value if it was written as a whole number.
    public var int64: Int64? {
        node.pointee.type == JSON_INTEGER ? Int64(json_integer_value(node)) : nil
    }

    /// The value if it is a number of either kind.
    public var double: Double? {
        switch node.pointee.type {
        case JSON_REAL: json_real_value(node)
        case JSON_INTEGER: Double(json_integer_value(node))
        default: nil
        }
    }

    /// The bytes of a string: valid UTF-8, which may contain NUL.
    public var stringBytes: UnsafeRawBufferPointer? {
        guard node.pointee.type == JSON_STRING else { return nil }
        return UnsafeRawBufferPointer(start: json_string_value(node), count: json_string_length(node))
    }

    /// A copy of a string.
    public var string: String? { stringBytes.map { String(decoding: $0, as: UTF8.self) } }
}

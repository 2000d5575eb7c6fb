/// A JSON value of one's own, for everything that is not hot.
public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// Copies a value out of a document.
    public init(_ view: JSONView) {
        switch view.kind {
        case .null: self = .null
        case .bool: self = .bool(view.bool ?? false)
        case .integer: self = .int(view.int64 ?? 0)
        case .real: self = .double(view.double ?? 0)
        case .string: self = .string(view.string ?? "")
        case .array: self = .array((0..<view.count).compactMap { index in view[index].map(JSONValue.init) })
        case .object: self = .object(JSONObject(view))
        }
    }

    /// Parses a text held in memory.
    public init(
        parsing text: UnsafeRawBufferPointer, depthLimit: Int = JSONDocument.defaultDepthLimit
    ) throws(JSONParseError) {
        let document = try JSONDocument(parsing: text, depthLimit: depthLimit)
        self = document.withRoot { JSONValue($0) }
    }

    /// Parses a text.
    public init(
        parsing text: String, depthLimit: Int = JSONDocument.defaultDepthLimit
    ) throws(JSONParseError) {
        self = try text.utf8.span.withUnsafeBytes { bytes throws(JSONParseError) in
            try JSONValue(parsing: bytes, depthLimit: depthLimit)
        }
    }
}

extension JSONValue {
    public var isNull: Bool { self == .null }

    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    public var int64: Int64? { if case .int(let value) = self { value } else { nil } }

    /// A number of either kind.
    public var double: Double? {
        switch self {
        case .double(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }

    public var string: String? { if case .string(let value) = self { value } else { nil } }

    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

    /// A member of an object; nil if there is none, or if this is no object.
    public subscript(key: String) -> JSONValue? { object?[key] }

    /// An element of an array; nil if there is none, or if this is no array.
    public subscript(index: Int) -> JSONValue? {
        guard let array, array.indices.contains(index) else { return nil }
        return array[index]
    }
}

extension JSONWriter {
    /// Writes the name of the member whose value comes next; it must need no escapes.
    public mutating func key(_ key: StaticString) {
        separate()
        raw(UInt8(ascii: "\""))
        raw(key)
        raw("\":")
    }

    /// Writes the name of the member whose value comes next.
    public mutating func key(_ key: String) {
        string(key)
        raw(UInt8(ascii: ":"))
    }

    public mutating func null() {
        separate()
        raw("null")
    }

    public mutating func bool(_ value: Bool) {
        separate()
        raw(value ? "true" : "false")
    }

    /// Writes a whole number of at most 64 bits.
    @inlinable
    public mutating func int(_ value: some FixedWidthInteger) {
        int(magnitude: UInt64(truncatingIfNeeded: value.magnitude), isNegative: value < 0)
    }

    /// Writes a whole number as digits with a sign before them if it is negative.
    public mutating func int(magnitude: UInt64, isNegative: Bool) {
        separate()
        if isNegative { raw(UInt8(ascii: "-")) }
        raw(number: magnitude)
    }

    /// Writes digits, without a comma.
    public mutating func raw(number: UInt64) {
        var (digits, limit) = (1, 10 as UInt64)
        while digits < 20, number >= limit { (digits, limit) = (digits &+ 1, limit &* 10) }
        raw(atMost: 20) { start in
            var rest = number
            for place in (0..<digits).reversed() {
                start[place] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return digits
        }
    }

    /// Writes the shortest text that is read back as the same number; null where JSON has none (infinity).
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        separate()
        for byte in value.description.utf8 { raw(byte) }
    }

    /// Copies a value out of a document.
    public mutating func value(_ view: JSONView) {
        switch view.kind {
        case .null: null()
        case .bool: bool(view.bool ?? false)
        case .integer: int(view.int64 ?? 0)
        case .real: double(view.double ?? 0)
        case .string: string(view.stringBytes ?? UnsafeRawBufferPointer(start: nil, count: 0))
        case .array: array(view)
        case .object: object(view)
        }
    }

    /// Writes a value that is held as a tree.
    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .int(let value): int(value)
        case .double(let value): double(value)
        case .string(let value): string(value)
        case .array(let elements): array(elements)
        case .object(let members): object(members)
        }
    }

    private mutating func array(_ view: JSONView) {
        beginArray()
        for index in 0..<view.count {
            if let element = view[index] { value(element) }
        }
        endArray()
    }

    private mutating func object(_ view: JSONView) {
        beginObject()
        view.forEachMember { name, member in
            string(name)
            raw(UInt8(ascii: ":"))
            value(member)
        }
        endObject()
    }

    private mutating func array(_ elements: [JSONValue]) {
        beginArray()
        for element in elements { value(element) }
        endArray()
    }

    private mutating func object(_ object: JSONObject) {
        beginObject()
        for member in object.members {
            key(member.key)
            value(member.value)
        }
        endObject()
    }
}

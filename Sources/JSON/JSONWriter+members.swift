extension JSONWriter {
    public mutating func member(_ key: StaticString, _ value: StaticString) {
        self.key(key)
        string(value)
    }

    public mutating func member(_ key: StaticString, _ value: String) {
        self.key(key)
        string(value)
    }

    /// Writes a string member from bytes; see `string(_:)`.
    public mutating func member(_ key: StaticString, _ bytes: UnsafeRawBufferPointer) {
        self.key(key)
        string(bytes)
    }

    public mutating func member(_ key: StaticString, _ value: Bool) {
        self.key(key)
        bool(value)
    }

    @inlinable
    public mutating func member(_ key: StaticString, _ value: some FixedWidthInteger) {
        self.key(key)
        int(value)
    }

    public mutating func member(_ key: StaticString, _ value: Double) {
        self.key(key)
        double(value)
    }

    public mutating func member(_ key: StaticString, _ value: JSONValue) {
        self.key(key)
        self.value(value)
    }
}

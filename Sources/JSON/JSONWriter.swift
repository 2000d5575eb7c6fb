/// Writes JSON text into a buffer that is used again and again, so that a reply costs no allocation.
///
/// Commas are set by looking at the byte before, so there is no state besides the bytes and the depth. Writing in an
/// order that is not JSON (two keys in a row) is a mistake of the program and is not noticed here.
public struct JSONWriter: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    @usableFromInline var length = 0

    /// How many bytes have been written.
    @inlinable public var count: Int { length }

    /// How many objects and arrays are open.
    public private(set) var depth = 0

    public init(capacity: Int = 4096) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// What has been written; good until the next change.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// A copy of what has been written.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Forgets everything behind the first `count` bytes, at which `depth` containers were open.
    public mutating func truncate(to count: Int, depth: Int = 0) {
        length = min(max(count, 0), length)
        self.depth = depth
    }

    /// Forgets everything, and gives memory back if a large text had been written.
    public mutating func removeAll(keepingCapacityUpTo limit: Int = .max) {
        length = 0
        depth = 0
        guard capacity > limit else { return }
        base.deallocate()
        capacity = max(limit, 64)
        base = .allocate(capacity: capacity)
    }
}

extension JSONWriter {
    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Writes bytes as they are, without a comma and without a look at what they say.
    @inlinable
    public mutating func raw(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(base + length).copyMemory(from: source, byteCount: bytes.count)
        length &+= bytes.count
    }

    /// Writes text as it stands, without a comma; a literal is copied with a move or two.
    @inlinable
    @inline(__always)
    public mutating func raw(_ text: StaticString) {
        raw(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes one byte as it is.
    @inlinable
    @inline(__always)
    public mutating func raw(_ byte: UInt8) {
        reserve(1)
        base[length] = byte
        length &+= 1
    }

    /// Writes a short text as it is.
    @inlinable
    @inline(__always)
    public mutating func raw(_ text: ShortText) {
        reserve(32)
        UnsafeMutableRawPointer(base + length).storeBytes(of: text.bytes, as: SIMD32<UInt8>.self)
        length &+= text.count
    }

    /// Lets `body` write at most `count` bytes at the end, and say how many they were.
    @inlinable
    @inline(__always)
    public mutating func raw(atMost count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        reserve(count)
        length &+= body(base + length)
    }

    /// Inserts bytes before what stands at `offset`: for a length that is known only afterwards.
    public mutating func insert(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard let source = bytes.baseAddress, offset <= count else { return }
        reserve(bytes.count)
        (base + offset + bytes.count).update(from: base + offset, count: count - offset)
        UnsafeMutableRawPointer(base + offset).copyMemory(from: source, byteCount: bytes.count)
        length += bytes.count
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        raw(bracket)
        depth += 1
    }

    private mutating func close(_ bracket: UInt8) {
        raw(bracket)
        depth -= 1
    }

    /// Sets the comma that the next key or value needs.
    mutating func separate() {
        guard count > 0 else { return }
        switch base[count - 1] {
        // A comma comes last only where a netstring has ended, a line feed only where a line has: a new text begins.
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "\n"): break
        default: raw(UInt8(ascii: ","))
        }
    }

    @inlinable
    @inline(__always)
    mutating func reserve(_ more: Int) {
        if capacity &- length < more { grow(by: more) }
    }

    @usableFromInline
    mutating func grow(by more: Int) {
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
    }
}

/// At most 32 bytes of text, held so that they are copied in two moves.
public struct ShortText {
    @usableFromInline let bytes: SIMD32<UInt8>
    @usableFromInline let count: Int

    /// A longer text is a mistake of the program.
    public init(_ text: String) {
        precondition(text.utf8.count <= 32)
        var bytes = SIMD32<UInt8>()
        for (index, byte) in text.utf8.enumerated() { bytes[index] = byte }
        (self.bytes, count) = (bytes, text.utf8.count)
    }
}

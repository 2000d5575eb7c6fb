/// Values of one field in which none of the texts stands that are looked for there, as one thread has seen them.
///
/// User-Agents are the field of which most is wanted, and a site's phones send the same few of them again and again. To know one takes
/// a tenth of looking at it. It is a place in memory of fixed size that the next value may take, so what a stranger sends can at most
/// push others out; and since the whole value is compared, whatever is said to be harmless has been looked at.
public final class HarmlessValues {
    /// The lengths of values that are remembered: with the length itself, one cache line.
    private static let lengths = 8...63
    private static let places = 64
    private static let line = 64
    private let memory: UnsafeMutableRawPointer

    public init() {
        memory = .allocate(byteCount: Self.places * Self.line, alignment: Self.line)
        removeAll()
    }

    deinit { memory.deallocate() }

    /// Forgets all, for a policy that looks for something else.
    public func removeAll() { memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.places * Self.line) }

    @inline(__always)
    func holds(_ value: Bytes) -> Bool {
        guard Self.lengths.contains(value.count) else { return false }
        let place = place(of: value)
        guard place.load(as: UInt8.self) == UInt8(value.count) else { return false }
        return value.sameBytes(as: Bytes(start: (place + 1).assumingMemoryBound(to: UInt8.self), count: value.count))
    }

    @inline(never)
    func add(_ value: Bytes) {
        guard Self.lengths.contains(value.count), let start = value.baseAddress else { return }
        let place = place(of: value)
        place.storeBytes(of: UInt8(value.count), as: UInt8.self)
        (place + 1).copyMemory(from: start, byteCount: value.count)
    }

    /// By its ends and its length.
    @inline(__always)
    private func place(of value: Bytes) -> UnsafeMutableRawPointer {
        let bytes = UnsafeRawPointer(value.baseAddress!)
        let first = bytes.loadUnaligned(as: UInt64.self)
        let last = bytes.loadUnaligned(fromByteOffset: value.count &- 8, as: UInt64.self)
        let mixed = (first ^ last &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(value.count)) &* 0xD6E8_FEB8_6659_FD93
        return memory + Int(mixed >> 58) &* Self.line
    }
}

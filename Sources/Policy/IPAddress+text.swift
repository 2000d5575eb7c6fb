extension IPAddress: CustomStringConvertible {
    /// Bytes of the longest text.
    public static let longestText = 39

    /// Dotted quad, or the canonical form of RFC 5952.
    public var description: String {
        String(unsafeUninitializedCapacity: Self.longestText) { write(to: $0.baseAddress!) }
    }

    /// Writes the same, of at most `longestText` bytes, and says how many they are. Allocates nothing.
    public func write(to text: UnsafeMutablePointer<UInt8>) -> Int {
        var text = AddressText(start: text)
        if isV4 { text.addV4(UInt32(truncatingIfNeeded: value)) } else { text.addV6(value) }
        return text.count
    }
}

/// An address's text on its way into memory.
private struct AddressText {
    let start: UnsafeMutablePointer<UInt8>
    private(set) var count = 0

    init(start: UnsafeMutablePointer<UInt8>) { self.start = start }

    mutating func addV4(_ value: UInt32) {
        for octet in 0..<4 {
            if octet > 0 { add(0x2E) }
            let number = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * octet))
            if number >= 100 { add(0x30 + number / 100) }
            if number >= 10 { add(0x30 + number / 10 % 10) }
            add(0x30 + number % 10)
        }
    }

    mutating func addV6(_ value: UInt128) {
        let gap = Self.longestZeroRun(value)
        var index = 0
        while index < 8 {
            if index == gap.lowerBound, !gap.isEmpty {
                add(0x3A)
                add(0x3A)
                index = gap.upperBound
                continue
            }
            if index > 0, index != gap.upperBound || gap.isEmpty { add(0x3A) }
            addHex(Self.group(index, of: value))
            index += 1
        }
    }

    private mutating func addHex(_ group: UInt16) {
        let digits = max(1, (19 - group.leadingZeroBitCount) / 4)
        for place in (0..<digits).reversed() {
            let digit = UInt8(truncatingIfNeeded: group >> UInt16(4 * place)) & 15
            add(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }

    private mutating func add(_ byte: UInt8) {
        start[count] = byte
        count += 1
    }

    private static func group(_ index: Int, of value: UInt128) -> UInt16 {
        UInt16(truncatingIfNeeded: value >> UInt128(112 - 16 * index))
    }

    /// The run of at least two zero groups that RFC 5952 section 4.2 writes as `::`; empty where there is none.
    private static func longestZeroRun(_ value: UInt128) -> Range<Int> {
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, group(end, of: value) == 0 { end += 1 }
            if end - start > max(1, best.count) { best = start..<end }
            start = max(end, start + 1)
        }
        return best
    }
}

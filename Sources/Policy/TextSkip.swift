/// Where in a value one of many texts may begin, found in steps as long as the shortest text allows (Wu and Manber 1994).
///
/// A window of the shortest text's length moves over the value. The pair of bytes at its end tells how far it may move on; where
/// it may not, the pair at its beginning must begin a text as well. A harmless value is passed over in few steps, and each place
/// is looked at once at most; what then may be is for a `TextTrie`, which looks at the rest of the value once.
struct TextSkip {
    /// For each pair of bytes, as `place` numbers them: how far the window may move on, and with `begins` whether a text begins
    /// with the pair.
    private let steps: UnsafeBufferPointer<UInt8>
    /// The window's length; 0 where there is no text, 1 where one is too short to be looked for in this way.
    private let window: Int

    private static let places = 1024
    private static let begins: UInt8 = 0x80
    private static let longest = 64

    /// - Parameter texts: what is looked for, in lower case; none of them is empty.
    init(_ texts: [[UInt8]]) {
        window = min(texts.map(\.count).min() ?? 0, Self.longest)
        guard window > 1 else {
            steps = UnsafeBufferPointer(start: nil, count: 0)
            return
        }
        var steps = [UInt8](repeating: UInt8(window - 1), count: Self.places)
        for text in texts {
            for end in 1..<window {
                let place = Self.place(of: UInt16(text[end - 1]) | UInt16(text[end]) << 8)
                steps[place] = min(steps[place], UInt8(window - 1 - end))
            }
        }
        for text in texts { steps[Self.place(of: UInt16(text[0]) | UInt16(text[1]) << 8)] |= Self.begins }
        self.steps = .frozen(steps)
    }

    /// Frees its memory; nobody else does.
    func deallocate() { steps.deallocate() }

    /// A pair's number, the same for both cases of a letter; other pairs may share it.
    @inline(__always)
    private static func place(of pair: UInt16) -> Int {
        Int((UInt32(pair | 0x2020) &* 0x9E37) >> 6) & (places - 1)
    }

    /// What is known of the pair of bytes that begins there.
    @inline(__always)
    private func step(_ pair: UnsafePointer<UInt8>) -> UInt8 {
        steps[Self.place(of: UInt16(littleEndian: UnsafeRawPointer(pair).loadUnaligned(as: UInt16.self)))]
    }

    /// The first place at or after `start` from which on a text may stand; nil where none does.
    @inline(__always)
    func candidate(in value: Bytes, from start: Int = 0) -> Int? {
        let last = value.count - window
        guard let bytes = value.baseAddress, window > 0, start <= last else { return nil }
        guard window > 1 else { return start }
        var start = start
        while start <= last {
            let step = step(bytes + start + window - 2)
            if step & ~Self.begins != 0 {
                start += Int(step & ~Self.begins)
            } else if self.step(bytes + start) & Self.begins != 0 {
                return start
            } else {
                start += 1
            }
        }
        return nil
    }
}

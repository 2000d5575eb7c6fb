#if !ONE_MODULE
    import Policy
#endif

extension UnsafeBufferPointer<UInt8> {
    /// Undoes the dialplan's `URIENCODE()`; nil for what it does not write.
    ///
    /// A line break or NUL becomes a space, as it would have been one in a folded header.
    var percentDecoded: [UInt8]? {
        var value: [UInt8] = []
        value.reserveCapacity(count)
        var index = 0
        while index < count {
            var byte = self[index]
            if byte == 0x25 {
                guard index + 2 < count, let high = self[index + 1].hexValue, let low = self[index + 2].hexValue else {
                    return nil
                }
                byte = high << 4 | low
                index += 2
            } else if byte <= 0x20 || byte >= 0x7F {
                return nil
            }
            value.append(byte == 0x0D || byte == 0x0A || byte == 0 ? 0x20 : byte)
            index += 1
        }
        return value
    }

    /// Whether an escape stands for a control character, as in `%0A`.
    var escapesControlCharacters: Bool {
        var index = 0
        while let percent = self.index(of: 0x25, from: index), percent + 2 < count {
            if let high = self[percent + 1].hexValue, let low = self[percent + 2].hexValue {
                let byte = high << 4 | low
                if byte < 0x20 || byte == 0x7F { return true }
            }
            index = percent + 1
        }
        return false
    }
}

#if !ONE_MODULE
    import Policy
#endif

extension UnsafeBufferPointer<UInt8> {
    /// Undoes the dialplan's `URIENCODE()`; nil for what it does not write.
    ///
    /// A line break or NUL becomes a space, as it would have been one in a folded header.
    var percentDecoded: [UInt8]? {
        decoded { byte, value in value.append(byte == 0x0D || byte == 0x0A || byte == 0 ? 0x20 : byte) }
    }

    /// The same, but only for what stands as it is in the user part of a URI (RFC 3261, 25.1): the rest stays encoded, as
    /// the phone must have written it.
    var percentNormalized: [UInt8]? {
        decoded { byte, value in
            if byte.standsInUser {
                value.append(byte)
            } else {
                value.append(0x25)
                value.append(Self.hexadecimal(byte >> 4))
                value.append(Self.hexadecimal(byte & 15))
            }
        }
    }

    @inline(__always)
    private func decoded(_ append: (UInt8, inout [UInt8]) -> Void) -> [UInt8]? {
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
            append(byte, &value)
            index += 1
        }
        return value
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x37 + digit }

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

extension UInt8 {
    /// Letters, digits, marks, and what else a user part may have.
    fileprivate var standsInUser: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x24, 0x26...0x2F, 0x3B, 0x3D, 0x3F, 0x5F, 0x7E: true
        default: false
        }
    }
}

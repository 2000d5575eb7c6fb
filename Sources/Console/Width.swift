extension String {
    /// How many columns of a terminal the text takes.
    public var columns: Int { unicodeScalars.reduce(0) { $0 + $1.columns } }

    /// The text in at most `limit` columns, with an ellipsis where something is cut off.
    public func cut(to limit: Int) -> String {
        guard columns > limit else { return self }
        var (text, used) = ("", 0)
        for scalar in unicodeScalars {
            used += scalar.columns
            if used > limit - 1 { break }
            text.unicodeScalars.append(scalar)
        }
        return text + "…"
    }
}

extension Unicode.Scalar {
    /// 0 for marks that stand over another sign, 2 for the wide signs of East Asia and pictures, else 1.
    /// The ranges are the wide blocks of Unicode Standard Annex 11.
    fileprivate var columns: Int {
        if value < 0x300 { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        return switch value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            2
        default: 1
        }
    }
}

/// What a piece of text means to the reader; how it looks is the palette's affair.
public enum Tone: Sendable {
    case plain, good, bad, warning, faint, strong
}

/// Paints text for a terminal, or leaves it alone.
public struct Palette: Sendable {
    public let isColoured: Bool

    public init(isColoured: Bool) { self.isColoured = isColoured }

    /// Colour for a terminal only, unless `NO_COLOR` is set and not empty (<https://no-color.org>) or the terminal is `dumb`.
    public init(isTerminal: Bool, environment: [String: String]) {
        let isUnwanted = !(environment["NO_COLOR"] ?? "").isEmpty
        isColoured = isTerminal && !isUnwanted && environment["TERM"] != "dumb"
    }

    public func paint(_ text: String, _ tone: Tone) -> String {
        guard isColoured, let code = tone.code, !text.isEmpty else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}

extension Tone {
    /// Parameter of ECMA-48's Select Graphic Rendition.
    fileprivate var code: String? {
        switch self {
        case .plain: nil
        case .good: "32"
        case .bad: "31"
        case .warning: "33"
        case .faint: "2"
        case .strong: "1"
        }
    }
}

extension Unicode.Scalar {
    /// Whether a terminal could take the scalar for an order, or a reader for something that it is not: controls,
    /// direction marks and other invisible signs, line separators, the backslash that starts an escape of ours.
    var isEscaped: Bool {
        if value >= 0x20, value < 0x7F { return self == "\\" }
        return switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: true
        case .spaceSeparator: true
        default: false
        }
    }

    fileprivate var escaped: String {
        if self == "\\" { return "\\\\" }
        let digits = String(value, radix: 16)
        return value < 0x100 ? "\\x" + (value < 0x10 ? "0" : "") + digits : "\\u{\(digits)}"
    }
}

extension String {
    /// The text with everything that could hijack a terminal written out as `\x1b` or `\u{202e}`.
    ///
    /// User-Agents and users are chosen by the attacker. A backslash is doubled, so that nobody can forge an escape.
    public var escapedForTerminal: String {
        guard unicodeScalars.contains(where: \.isEscaped) else { return self }
        var text = ""
        for scalar in unicodeScalars {
            if scalar.isEscaped { text += scalar.escaped } else { text.unicodeScalars.append(scalar) }
        }
        return text
    }

    /// A whole document, line by line: escaped, with its line ends and tabs kept.
    public var escapedDocument: String {
        let lines = split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        return lines.map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false)
                .map { String($0).escapedInDocument }.joined(separator: "\t")
        }.joined(separator: "\n")
    }

    /// As `escapedForTerminal`, but a backslash of the author's is left alone.
    private var escapedInDocument: String {
        guard unicodeScalars.contains(where: \.isEscaped) else { return self }
        var text = ""
        for scalar in unicodeScalars {
            if scalar.isEscaped, scalar != "\\" { text += scalar.escaped } else { text.unicodeScalars.append(scalar) }
        }
        return text
    }
}

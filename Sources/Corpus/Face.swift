/// How an attack tool shows itself: the same message with other marks.
public enum Face: String, CaseIterable, Sendable {
    /// As the tool is delivered.
    case `default`
    /// With a phone's User-Agent.
    case phone
    /// With compact header names and without a User-Agent, as SIPVicious' option -c writes it.
    case compact

    private static let userAgent = "Yealink SIP-T46S 66.85.0.5"
    private static let names = ["Via": "v", "To": "t", "From": "f", "Call-ID": "i", "Contact": "m"]

    func dress(_ message: String) -> String {
        guard self != .default else { return message }
        return message.split(separator: "\n", omittingEmptySubsequences: false).compactMap(line)
            .joined(separator: "\n")
    }

    private func line(_ line: Substring) -> String? {
        guard let colon = line.firstIndex(of: ":") else { return String(line) }
        let name = String(line[..<colon])
        if name == "User-Agent" { return self == .phone ? "User-Agent: \(Self.userAgent)" : nil }
        guard self == .compact, let short = Self.names[name] else { return String(line) }
        return short + line[colon...]
    }
}

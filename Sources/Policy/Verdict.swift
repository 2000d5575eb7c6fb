/// The four things that a proxy can be told.
public enum Verdict: UInt8, CaseIterable, Sendable {
    case pass, reject, ok200, drop

    public var name: String {
        switch self {
        case .pass: "pass"
        case .reject: "reject"
        case .ok200: "ok200"
        case .drop: "drop"
        }
    }
}

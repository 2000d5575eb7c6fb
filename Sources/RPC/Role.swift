/// What may be called on a listener; each role includes the ones before it.
public enum Role: String, Comparable, CaseIterable, Sendable {
    /// Asking and reporting: what a proxy needs.
    case ask
    /// Every list, show and count as well.
    case read
    /// Everything.
    case admin

    public static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .ask: 0
        case .read: 1
        case .admin: 2
        }
    }
}

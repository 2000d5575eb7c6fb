/// The kinds of value RFC 8259 knows, with whole numbers apart from others.
public enum JSONKind: String, Sendable {
    case object, array, string, integer, real, bool, null
}

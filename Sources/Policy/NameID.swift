/// A name of the policy (rule, signature, treatment, tool) as 32 bits, so that a source's record holds no reference.
///
/// It is the FNV-1a hash of the name, hence the same after a reload; a policy in which two names collide is refused
/// when it is read. Zero means "none".
public struct NameID: Hashable, Sendable {
    public var rawValue: UInt32

    public static let none = NameID(rawValue: 0)

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public init(_ name: String) {
        var hash: UInt32 = 2_166_136_261
        for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        rawValue = hash == 0 ? 1 : hash
    }
}

import Glibc

/// A method's name as it stands in the request, good for the duration of the call only.
///
/// Compares with literals without allocating, so that `switch method { case "daemon.ping": ... }` is cheap.
public struct MethodName {
    /// Valid UTF-8.
    public let bytes: UnsafeRawBufferPointer

    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    public static func == (left: MethodName, right: StaticString) -> Bool {
        left.bytes.count == right.utf8CodeUnitCount
            && (right.utf8CodeUnitCount == 0
                || memcmp(left.bytes.baseAddress!, right.utf8Start, right.utf8CodeUnitCount) == 0)
    }

    public static func ~= (pattern: StaticString, name: MethodName) -> Bool { name == pattern }

    /// A copy.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
}

internal import CJansson

/// A parsed JSON text; owns its tree and releases it when it goes out of scope.
///
/// Strict in what it takes: a member that stands twice in one object, bytes that are not UTF-8, anything behind the
/// text, and nesting beyond `depthLimit` are refused. `\u0000` in a string value is data like any other. Whole
/// numbers outside 64 bits are refused too. How large the text may be is the caller's to decide, before parsing.
public struct JSONDocument: ~Copyable {
    /// Levels of nesting that are parsed unless the caller says otherwise. A request needs two or three; the parser is
    /// recursive, so a bound is what keeps a hostile text from using up the thread's stack.
    public static let defaultDepthLimit = 32

    @usableFromInline let root: JSONView

    /// Parses one whole JSON text, of any kind (RFC 8259 section 2).
    public init(
        parsing text: UnsafeRawBufferPointer, depthLimit: Int = defaultDepthLimit
    ) throws(JSONParseError) {
        if let offset = firstByte(in: text, nestedBeyond: depthLimit) {
            throw JSONParseError(message: "nested deeper than \(depthLimit) levels", offset: offset)
        }
        var problem = json_error_t()
        let flags = Int(JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY)
        let start = text.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard let start, let node = json_loadb(start, text.count, flags, &problem) else {
            throw start == nil ? JSONParseError(message: "empty text", offset: 0) : JSONParseError(problem)
        }
        root = JSONView(UnsafeMutableRawPointer(node))
    }

    deinit { json_decref(root.node) }

    /// Lends the root value; neither it nor anything reached through it may outlive `body`.
    @inlinable
    public borrowing func withRoot<Result: ~Copyable, Failure: Error>(
        _ body: (JSONView) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(root)
    }
}

/// Chooses the random seed of the parser's hash tables, so that nobody can send keys that all collide.
///
/// Call it first thing in `main`: jansson asks that no other thread exists yet. Only the first call counts.
public func seedJSONHashing() { json_object_seed(0) }

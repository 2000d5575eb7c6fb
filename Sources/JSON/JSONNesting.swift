/// The offset of the bracket that opens one level more than `limit`; nil if there is none.
///
/// One pass that knows strings and nothing else: whether the text is JSON is for the parser to say.
func firstByte(in text: UnsafeRawBufferPointer, nestedBeyond limit: Int) -> Int? {
    var depth = 0
    var index = 0
    while index < text.count {
        switch text[index] {
        case UInt8(ascii: "\""):
            index = endOfString(in: text, openedAt: index)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            depth += 1
            if depth > limit { return index }
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
        default:
            break
        }
        index += 1
    }
    return nil
}

/// The offset of the quote that ends the string, or the end of the text.
private func endOfString(in text: UnsafeRawBufferPointer, openedAt start: Int) -> Int {
    var index = start + 1
    while index < text.count {
        let byte = text[index]
        if byte == UInt8(ascii: "\"") { return index }
        index += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    return text.count
}

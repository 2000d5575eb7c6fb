/// Bytes of a SIP message as JSON can carry them (docs/protocol.md, Transports and framing).
public enum WireText {
    /// UTF-8 as it is; every byte that is not part of valid UTF-8 becomes the character U+00XX.
    public static func text(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var (text, index) = ("", 0)
        while index < bytes.count {
            var parser = Unicode.UTF8.ForwardParser()
            var rest = bytes[index...].makeIterator()
            switch parser.parseScalar(from: &rest) {
            case .valid(let scalar):
                text.unicodeScalars.append(Unicode.UTF8.decode(scalar))
                index += scalar.count
            case .error(let length):
                for byte in bytes[index..<index + length] { text.unicodeScalars.append(Unicode.Scalar(byte)) }
                index += length
            case .emptyInput: return text
            }
        }
        return text
    }
}

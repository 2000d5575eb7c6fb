import Glibc

/// A small text file, read whole.
public enum TextFile {
    /// Files beyond this size are refused.
    public static let most = 4 * 1024 * 1024

    /// The file's text; a problem names the file if it cannot be opened or read, is too large or is not UTF-8.
    public static func read(path: String) throws(FileProblems) -> String {
        try text(of: try bytes(path: path), file: path)
    }

    static func text(of bytes: [UInt8], file: String) throws(FileProblems) -> String {
        guard bytes.count <= most else { throw problem(file, nil, "is over 4 MiB; no such file needs to be that long") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let line = bytes[..<firstInvalidByte(bytes)].count { $0 == 0x0A } + 1
            throw problem(file, line, "is not UTF-8; save the file as UTF-8")
        }
        return text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
    }

    private static func bytes(path: String) throws(FileProblems) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        var used = 0
        while used <= most {
            if used == bytes.count { bytes.append(contentsOf: repeatElement(0, count: used)) }
            let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + used, $0.count - used) }
            if count == 0 { break }
            if count > 0 {
                used += count
            } else if errno != EINTR {
                throw failure(path, errno == EISDIR ? "is not a file" : "cannot be read")
            }
        }
        return Array(bytes[..<used])
    }

    private static func failure(_ path: String, _ what: String) -> FileProblems {
        problem(path, nil, "\(what): \(String(cString: strerror(errno)))")
    }

    private static func problem(_ file: String, _ line: Int?, _ message: String) -> FileProblems {
        FileProblems([Problem(file: file, line: line, message: message)])
    }

    /// The index of the first byte that ends no valid UTF-8 sequence.
    private static func firstInvalidByte(_ bytes: [UInt8]) -> Int {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var index = 0
        while case .scalarValue(let scalar) = decoder.decode(&iterator) { index += UTF8.width(scalar) }
        return index
    }
}

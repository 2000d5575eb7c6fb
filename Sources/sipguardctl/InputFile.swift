import Console
import Glibc

/// A file named on the command line; `-` is standard input.
enum InputFile {
    /// More than any message or policy; keeps `/dev/zero` from filling the memory.
    static let limit = 16 << 20

    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let isStandardInput = path == "-"
        let descriptor = isStandardInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { if !isStandardInput { close(descriptor) } }
        var (bytes, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 64 << 10))
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw failure(path) }
            bytes += chunk[..<count]
            if bytes.count > limit { throw Failure(.noInput, "\(path) is larger than \(limit >> 20) MiB") }
        }
    }

    static func text(_ path: String) throws(Failure) -> String {
        guard let text = String(validating: try read(path), as: UTF8.self) else {
            throw Failure(
                .badPolicy, "\(path) is not UTF-8", advice: ["Save it as UTF-8; `file \(path)` says what it is."])
        }
        return text
    }

    private static func failure(_ path: String) -> Failure {
        Failure(.noInput, "cannot read \(path): \(String(cString: strerror(errno)))")
    }
}

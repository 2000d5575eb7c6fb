import Glibc

/// Files that are always whole: written beside, and renamed.
public enum WholeFile {
    /// Puts the bytes in the place of what the file held, for the owner's eyes only; nil, or what kept them from it.
    public static func write(_ bytes: [UInt8], to path: String) -> String? {
        let beside = path + ".new"
        let file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return String(cString: strerror(errno)) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + done, bytes.count - done) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return abandon(file, beside) }
            done += count
        }
        guard fsync(file) == 0 else { return abandon(file, beside) }
        close(file)
        return rename(beside, path) == 0 ? nil : String(cString: strerror(errno))
    }

    private static func abandon(_ file: Int32, _ beside: String) -> String {
        let problem = String(cString: strerror(errno))
        close(file)
        unlink(beside)
        return problem
    }
}

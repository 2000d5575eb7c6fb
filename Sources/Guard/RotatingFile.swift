import Glibc

/// A file that begins anew at a certain size, with its predecessors beside it as `path.1`, `path.2` and so on.
final class RotatingFile {
    private let path: String
    private let limit: Int
    private let files: Int
    private var descriptor: Int32 = -1
    private var size = 0

    init(path: String, size: Int, files: Int) { (self.path, limit, self.files) = (path, size, files) }

    deinit { close() }

    /// Lets `append` begin anew where somebody has moved the file away.
    func closeIfMoved() {
        if descriptor >= 0, !isInPlace { close() }
    }

    /// Appends whole lines; what is wrong if it cannot. Then the file ends where it did before, with a whole line.
    func append(_ bytes: UnsafeRawBufferPointer) -> String? {
        if let failure = openIfNeeded() { return failure }
        if size > 0, size + bytes.count > limit, let failure = rotate() { return failure }
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return giveUp() }
            done += count
        }
        size += done
        return nil
    }

    private func openIfNeeded() -> String? {
        guard descriptor < 0 else { return nil }
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return giveUp() }
        size = Int(status.st_size)
        return nil
    }

    /// Whether the path still names this file: somebody may have moved it away or removed it.
    private var isInPlace: Bool {
        var (here, there) = (stat(), stat())
        return fstat(descriptor, &here) == 0 && lstat(path, &there) == 0 && here.st_ino == there.st_ino
            && here.st_dev == there.st_dev
    }

    private func rotate() -> String? {
        close()
        // The oldest goes first: ext4 writes a file that takes another's place to the disk at once, and that for each rotation.
        let names = [path] + (1..<files).map { "\(path).\($0)" }
        unlink(names[files - 1])
        for number in (1..<files).reversed() { rename(names[number - 1], names[number]) }
        return openIfNeeded()
    }

    private func giveUp() -> String {
        let failure = String(cString: strerror(errno))
        if descriptor >= 0 { ftruncate(descriptor, off_t(size)) }
        close()
        return failure
    }

    private func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}

import Glibc
import Guard
import Policy

/// A feed from a file, which is read again when it is another file or was written since.
final class FeedFile: FeedSource {
    /// What tells that a file has changed.
    private struct State: Equatable {
        let device: dev_t
        let inode: ino_t
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init(_ status: stat) {
            (device, inode, size) = (status.st_dev, status.st_ino, Int(status.st_size))
            (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        }
    }

    static let mostBytes = 32 << 20

    private let origin: FeedOrigin
    private let path: String
    private var seen: State?

    init?(_ origin: FeedOrigin) {
        guard case .file(let path) = origin.place else { return nil }
        (self.origin, self.path) = (origin, path)
    }

    func get() -> FeedOutcome {
        // A FIFO must not hold the thread.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return failed("\(path) cannot be opened: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return failed("\(path) is no file") }
        let state = State(status)
        if state == seen { return .unchanged }
        guard state.size <= Self.mostBytes else { return failed("\(path) is longer than \(Self.mostBytes) bytes") }
        guard let bytes = Self.read(file, state.size) else { return failed("\(path) cannot be read") }
        // Who writes into it at this moment is not done: the next turn sees the rest.
        guard fstat(file, &status) == 0, State(status) == state, bytes.count == state.size else {
            return failed("\(path) is being written")
        }
        do throws(FeedText.Mistake) {
            let content = FeedContent(try FeedText(lines: bytes, format: origin.format, most: origin.most))
            seen = state
            return .content(content)
        } catch {
            return failed(error.description)
        }
    }

    private func failed(_ problem: String) -> FeedOutcome {
        seen = nil
        return .failed(problem)
    }

    static func read(_ file: Int32, _ size: Int) -> [UInt8]? {
        var (bytes, used) = ([UInt8](repeating: 0, count: size), 0)
        while used < size {
            let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress! + used, size - used) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? Array(bytes[..<used]) : nil }
            used += count
        }
        return bytes
    }
}

import Glibc
import JSON
import Policy
import Synchronization

/// Keeps bans and the run-time allow list over a restart, in one small JSON file.
///
/// Written beside and renamed, so that it is always whole; a full disk loses nothing but the newest changes, and
/// decides nothing.
public final class StateFile: Sendable {
    public let path: String
    private let isChanged = Atomic<Bool>(false)
    private let lastProblem = Mutex<String?>(nil)

    public init(path: String) { self.path = path }

    func markChanged() { isChanged.store(true, ordering: .relaxed) }

    /// What kept the last save from being made.
    var problem: String? { lastProblem.withLock { $0 } }

    /// Saves if something has changed since the last time; what changed about being able to.
    func saveIfChanged(_ content: () -> JSONValue) -> GuardEvent? {
        guard isChanged.exchange(false, ordering: .relaxed) else { return nil }
        let problem = WholeFile.write(Array((content().prettyText + "\n").utf8), to: path)
        // What could not be saved is tried again at the next turn.
        if problem != nil { markChanged() }
        return lastProblem.withLock { last in
            defer { last = problem }
            if let problem, last == nil { return .stateNotSaved("\(path): \(problem)") }
            return problem == nil && last != nil ? .stateSavedAgain : nil
        }
    }

    /// What was saved; nil if there is nothing yet. Throws what is wrong with the file.
    func load() throws(StateFileProblem) -> JSONValue? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw StateFileProblem(description: "\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count < 256 << 20 {
            let count = read(file, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        do throws(JSONParseError) {
            return try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw StateFileProblem(description: "\(path): \(error.message)")
        }
    }
}

/// Why saved state cannot be used.
public struct StateFileProblem: Error, Sendable, CustomStringConvertible {
    public let description: String
}

import Glibc
import JSON
import Policy
import Synchronization

/// Keeps bans and the run-time allow list over a restart, in one file.
///
/// Written beside and renamed, so that it is always whole; a full disk loses nothing but the newest changes, and
/// decides nothing.
public final class StateFile: Sendable {
    public let path: String
    private static let most = 256 << 20
    private let isChanged = Atomic<Bool>(false)
    private let lastProblem = Mutex<String?>(nil)

    public init(path: String) { self.path = path }

    func markChanged() { isChanged.store(true, ordering: .relaxed) }

    /// What kept the last save from being made.
    var problem: String? { lastProblem.withLock { $0 } }

    /// Saves if something has changed since the last time; what changed about being able to.
    func saveIfChanged(_ content: () -> SavedState) -> GuardEvent? {
        guard isChanged.exchange(false, ordering: .relaxed) else { return nil }
        let problem = WholeFile.write(content().text, to: path)
        // What could not be saved is tried again at the next turn.
        if problem != nil { markChanged() }
        return lastProblem.withLock { last in
            defer { last = problem }
            if let problem, last == nil { return .stateNotSaved("\(path): \(problem)") }
            return problem == nil && last != nil ? .stateSavedAgain : nil
        }
    }

    /// What was saved; nil if there is nothing yet. Throws what is wrong with the file.
    func load() throws(StateFileProblem) -> SavedState? {
        guard let bytes = try read() else { return nil }
        if bytes.first == UInt8(ascii: "{") { return try loadVersion1(bytes) }
        do throws(SavedState.Damage) {
            return try bytes.span.withUnsafeBufferPointer { bytes throws(SavedState.Damage) in
                try SavedState(reading: bytes)
            }
        } catch {
            throw StateFileProblem(description: "\(path):\(error.line): \(error.message)")
        }
    }

    private func loadVersion1(_ bytes: [UInt8]) throws(StateFileProblem) -> SavedState {
        let text: JSONValue
        do throws(JSONParseError) {
            text = try bytes.span.bytes.withUnsafeBytes { bytes throws(JSONParseError) in try JSONValue(parsing: bytes)
            }
        } catch {
            throw StateFileProblem(description: "\(path): \(error.message)")
        }
        guard let saved = SavedState(version1: text) else {
            throw StateFileProblem(description: "\(path): not a state file of this version")
        }
        return saved
    }

    private func read() throws(StateFileProblem) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw StateFileProblem(description: "\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_size <= Self.most else {
            throw StateFileProblem(description: "\(path): is over 256 MiB; no state file is that long")
        }
        return [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { space, count in
            while count < space.count {
                let more = Glibc.read(file, space.baseAddress! + count, space.count - count)
                if more < 0 && errno == EINTR { continue }
                guard more > 0 else { break }
                count += more
            }
        }
    }
}

/// Why saved state cannot be used.
public struct StateFileProblem: Error, Sendable, CustomStringConvertible {
    public let description: String
}

import Glibc
import Guard
import JSON
import Policy

/// The last good lists of servers, kept over a restart: a file for each feed, whose first line is JSON about it and whose others
/// are its networks. The file's time is when the server last confirmed it. For one thread.
final class SavedLists {
    struct List {
        let content: FeedContent
        let version: Version
        let loadedAt: Instant
        let confirmedAt: Instant
    }

    /// The newest layout of the files; others are as good as none.
    private static let layout: Int64 = 1
    private let directory: String
    private var failing: Set<String> = []

    init(directory: String) { self.directory = directory }

    private func path(_ name: String) -> String { "\(directory)/\(name).list" }

    /// What was saved of a feed; nil if that is nothing, of another origin, or damaged.
    func load(_ rule: FeedRule) -> List? {
        guard let (bytes, confirmed) = read(path(rule.name)), let end = bytes.firstIndex(of: 0x0A),
            let head = try? JSONValue(parsing: String(decoding: bytes[..<end], as: UTF8.self)),
            head["layout"]?.int64 == Self.layout, head["origin"] == Self.value(rule.origin),
            let text = try? FeedText(lines: Array(bytes[(end + 1)...]), format: .plain, most: rule.origin.most),
            text.badCount == 0, head["entries"] == .int(Int64(text.prefixes.count))
        else { return nil }
        let badLines = head["bad_lines"]?.array?.compactMap { $0.int64.map { Int($0) } } ?? []
        let badCount = Int(head["bad_count"]?.int64 ?? 0)
        return List(
            content: FeedContent(prefixes: text.prefixes, badLines: badLines, badCount: badCount),
            version: Version(etag: head["etag"]?.string, lastModified: head["last_modified"]?.string),
            loadedAt: Self.instant(head["loaded_at"]?.int64 ?? confirmed), confirmedAt: Self.instant(confirmed))
    }

    /// A whole file, and when it was written or confirmed, in seconds since 1970.
    private func read(_ path: String) -> (bytes: [UInt8], confirmed: Int64)? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.mostBytes,
            let bytes = FeedFile.read(file, Int(status.st_size)), bytes.last == 0x0A
        else { return nil }
        return (bytes, Int64(status.st_mtim.tv_sec))
    }

    /// A clock that was set back makes no list younger than now.
    private static func instant(_ seconds: Int64) -> Instant { min(Clock.now, Clock.instant(ofWallSeconds: seconds)) }

    /// The networks in their longest form, and the head.
    private static let mostBytes = Int64(FeedFile.mostBytes) * 2

    private static func value(_ origin: FeedOrigin) -> JSONValue {
        ["source": .string(origin.description), "format": .string(origin.format.rawValue)]
    }

    /// Keeps a list in the place of the one before; what went wrong, once.
    func save(_ content: FeedContent, _ version: Version, of rule: FeedRule) -> String? {
        let head: JSONValue = [
            "layout": .int(Self.layout), "origin": Self.value(rule.origin),
            "entries": .int(Int64(content.prefixes.count)),
            "loaded_at": .int(Clock.wallSeconds(of: Clock.now)), "etag": version.etag.map(JSONValue.string) ?? .null,
            "last_modified": version.lastModified.map(JSONValue.string) ?? .null,
            "bad_count": .int(Int64(content.badCount)), "bad_lines": .array(content.badLines.map { .int(Int64($0)) }),
        ]
        var bytes = Array((head.text + "\n").utf8)
        for prefix in content.prefixes { bytes += Array("\(prefix)\n".utf8) }
        mkdir(directory, 0o700)
        guard let problem = WholeFile.write(bytes, to: path(rule.name)) else {
            failing.remove(rule.name)
            return nil
        }
        return failing.insert(rule.name).inserted ? "\(path(rule.name)): \(problem)" : nil
    }

    /// The server says that the list is still the newest; whether there is one.
    func confirm(_ rule: FeedRule) -> Bool { utimes(path(rule.name), nil) == 0 }

    /// Removes the lists of feeds that the policy does not have.
    func remove(allBut names: Set<String>) {
        guard let entries = opendir(directory) else { return }
        defer { closedir(entries) }
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(".list") || name.hasSuffix(".new"), !names.contains(where: { name == "\($0).list" })
            else { continue }
            unlink("\(directory)/\(name)")
        }
    }
}

import Guard
import Policy

/// A feed from a server.
final class FeedURL: FeedSource {
    private let download: Download
    /// What the server said of the list that is held.
    private(set) var version = Version()

    init?(_ origin: FeedOrigin, isCancelled: @escaping @Sendable () -> Bool) {
        guard case .url(let url, let keyFile, let authorities) = origin.place else { return nil }
        download = Download(
            origin: origin, url: url, keyFile: keyFile, authorities: authorities, isCancelled: isCancelled)
    }

    func restore(_ version: Version) { self.version = version }

    func get() -> FeedOutcome {
        switch download.get(since: version) {
        case .unchanged where version == Version():
            return .failed("the server says that nothing is new, but knows of nothing")
        case .unchanged: return .unchanged
        case .failed(let problem): return .failed(problem)
        case .content(let content, let version):
            self.version = version
            return .content(content)
        }
    }
}

import CFetch
import Guard
import Policy
import PolicyFile
import Synchronization

/// What a server last said of a list's version, to be asked only for news (RFC 9110 section 13).
struct Version: Equatable, Sendable {
    var etag: String?
    var lastModified: String?
}

/// Gets lists over HTTP(S), bounded in size and time. For a thread that may wait.
struct Download: Sendable {
    enum Outcome: Equatable {
        case unchanged
        case content(FeedContent, Version)
        case failed(String)
    }

    /// Bytes of one answer.
    static let mostBytes = 32 << 20
    /// For one answer; for all pages of a list.
    static let patience = Duration.seconds(60)
    static let patienceForAllPages = Duration.seconds(300)
    private static let mostPages = 1000

    let origin: FeedOrigin
    let url: String
    let keyFile: String?
    let authorities: String?
    /// Whether whoever waits has to stop.
    let isCancelled: @Sendable () -> Bool

    func get(since version: Version) -> Outcome {
        var key: String?
        if let keyFile {
            key = (try? TextFile.read(path: keyFile))?.split(whereSeparator: \.isNewline).first.map(String.init)
            guard let key, Self.isUsable(key) else {
                return .failed("the key file \(keyFile) cannot be read, or its first line is no key")
            }
        }
        let full = Self.replace("{key}", in: url, by: key ?? "")
        switch get(full, version) {
        case .failed(let problem):
            // Whatever the library says, the key stays here.
            return .failed(key.map { Self.replace($0, in: problem, by: "{key}") } ?? problem)
        case let outcome: return outcome
        }
    }

    /// Without signs that would mean something in a URL.
    private static func isUsable(_ key: String) -> Bool {
        (1...256).contains(key.utf8.count)
            && key.utf8.allSatisfy {
                ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
            }
    }

    private static func replace(_ part: String, in text: String, by other: String) -> String {
        var (result, rest) = ("", Substring(text))
        while let range = rest.firstRange(of: part) {
            result += rest[..<range.lowerBound] + other
            rest = rest[range.upperBound...]
        }
        return result + rest
    }

    private func get(_ url: String, _ version: Version) -> Outcome {
        if origin.format == .apiban { return pages(url) }
        switch page(url, version) {
        case .failed(let problem): return .failed(problem)
        case .answer(304, _, _): return .unchanged
        case .answer(200, let body, let version):
            guard !body.isEmpty else { return .failed("the answer is empty") }
            do throws(FeedText.Mistake) {
                let text = try FeedText(lines: body, format: origin.format, most: origin.most)
                return .content(FeedContent(text), version)
            } catch {
                return .failed(error.description)
            }
        case .answer(let status, _, _): return .failed("the server answered with status \(status)")
        }
    }

    /// All pages, one after the other.
    private func pages(_ url: String) -> Outcome {
        let deadline = ContinuousClock.now + Self.patienceForAllPages
        var (all, next): ([Prefix], String?) = ([], "")
        for _ in 0..<Self.mostPages {
            guard let id = next else {
                return .content(FeedContent(prefixes: all, badLines: [], badCount: 0), Version())
            }
            guard ContinuousClock.now < deadline, !isCancelled() else { return .failed("its pages took too long") }
            guard case .answer(let status, let body, _) = page(id.isEmpty ? url : "\(url)/\(id)", Version()) else {
                return .failed("a page could not be had")
            }
            guard status == 200 else { return .failed("the server answered with status \(status)") }
            do throws(FeedText.Mistake) {
                let (prefixes, following) = try FeedText.page(apiban: body)
                all += prefixes
                next = following == id ? nil : following
            } catch {
                return .failed(error.description)
            }
            guard all.count <= origin.most else { return .failed("it has more than \(origin.most) entries") }
        }
        return .failed("it has more than \(Self.mostPages) pages")
    }

    private enum Page {
        case answer(Int, [UInt8], Version)
        case failed(String)
    }

    private func page(_ url: String, _ version: Version) -> Page {
        let flag = CancelFlag(isCancelled)
        return withExtendedLifetime(flag) {
            url.withCString { url in
                Self.withOptional(version.etag) { etag in
                    Self.withOptional(version.lastModified) { modified in
                        Self.withOptional(authorities) { authorities in
                            var request = fetch_request()
                            (request.url, request.etag, request.last_modified) = (url, etag, modified)
                            (request.authorities, request.most) = (authorities, Self.mostBytes)
                            request.milliseconds = Int(Self.patience.components.seconds) * 1000
                            request.context = UnsafeRawPointer(Unmanaged.passUnretained(flag).toOpaque())
                            request.is_cancelled = { context in
                                Unmanaged<CancelFlag>.fromOpaque(context!).takeUnretainedValue().isSet() ? 1 : 0
                            }
                            return Self.perform(&request)
                        }
                    }
                }
            }
        }
    }

    private static func perform(_ request: inout fetch_request) -> Page {
        var reply = fetch_reply()
        fetch(&request, &reply)
        defer { fetch_free(&reply) }
        if reply.problem.0 != 0 { return .failed(text(reply.problem)) }
        let body = Array(UnsafeRawBufferPointer(start: reply.body, count: reply.size))
        let version = Version(etag: text(reply.etag), lastModified: text(reply.last_modified))
        return .answer(reply.status, body, version)
    }

    private static func text<Characters>(_ characters: Characters) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func withOptional<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
        guard let text else { return body(nil) }
        return text.withCString(body)
    }
}

/// How C asks whether to go on.
private final class CancelFlag {
    let isSet: () -> Bool
    init(_ isSet: @escaping () -> Bool) { self.isSet = isSet }
}

extension FeedContent {
    init(_ text: FeedText) {
        self.init(prefixes: text.prefixes, badLines: text.badLines, badCount: text.badCount)
    }
}

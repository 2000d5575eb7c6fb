/// A list of networks that somebody else keeps, and what it means to be on it.
public struct FeedRule: Sendable {
    /// What its networks are.
    public enum List: String, CaseIterable, Sendable {
        case block, allow
    }

    public let list: List
    public let origin: FeedOrigin
    /// How old the list may get before it is asked for again.
    public let refresh: Duration
    /// What being on a block list adds to a request's score, as any other mark; its mode holds for both kinds.
    public let mark: Signature

    public var name: String { mark.name }

    public init(list: List, origin: FeedOrigin, refresh: Duration, mark: Signature) {
        (self.list, self.origin, self.refresh, self.mark) = (list, origin, refresh, mark)
    }
}

/// Where a feed comes from and how it is written. What has the same origin has the same content.
public struct FeedOrigin: Hashable, Sendable {
    public enum Place: Hashable, Sendable {
        case file(path: String)
        /// The file with the key that takes the place of `{key}`, and the one with the authorities to trust instead of the
        /// system's.
        case url(String, keyFile: String?, authorities: String?)
    }

    public enum Format: String, CaseIterable, Sendable {
        /// A network a line.
        case plain
        /// JSON in pages, as apiban.org sends it.
        case apiban
        /// As CrowdSec writes blocklists: a network a line, perhaps with its kind before it and more behind a comma.
        case crowdsec
    }

    public let place: Place
    public let format: Format
    /// Entries beyond this number are a mistake, and the list before stays.
    public let most: Int

    public init(place: Place, format: Format, most: Int) {
        (self.place, self.format, self.most) = (place, format, most)
    }

    /// For people; a key is not in it.
    public var description: String {
        switch place {
        case .file(let path): path
        case .url(let url, _, _): url
        }
    }
}

/// A DNS name whose addresses are allowed, whatever they are.
public struct AllowedName: Hashable, Sendable {
    public let name: String
    public let comment: String
    /// Seconds since 1970; nil: for good.
    public let until: Int64?
    /// How often it is looked up.
    public let refresh: Duration

    public static let usualRefresh = Duration.seconds(60)

    public init(name: String, comment: String, until: Int64?, refresh: Duration = usualRefresh) {
        (self.name, self.comment, self.until, self.refresh) = (name, comment, until, refresh)
    }

    /// Whether the text can be a host's name (RFC 1123 section 2.1) and cannot be a mistyped address.
    public static func isName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, let last = labels.last, !last.utf8.allSatisfy(\.isDigit) else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { $0.isDigit || $0 == 0x2D || $0 == 0x5F || (0x61...0x7A).contains($0 | 0x20) }
        }
    }
}

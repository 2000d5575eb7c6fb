import Glibc

/// How a log line looks.
public enum LogFormat: String, CaseIterable, Sendable {
    /// `journald` where the journal reads standard error, otherwise `text`.
    case automatic = "auto"
    /// For a terminal or a file.
    case text
    /// With a priority that journald understands (sd-daemon(3)); it adds the time itself.
    case journald
    /// One JSON object a line.
    case json

    var resolved: LogFormat {
        guard self == .automatic else { return self }
        return getenv("JOURNAL_STREAM") == nil ? .text : .journald
    }
}

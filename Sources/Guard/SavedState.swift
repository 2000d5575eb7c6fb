import JSON
import Policy

/// What outlives a restart: what people have put on the lists at run time, and the sources that are banned.
struct SavedState {
    /// A source that was banned for what it did.
    struct Source {
        let address: IPAddress
        let since: Instant
        let until: Instant
        var count: UInt8 = 1
        var isProven = false
        var rule = NameID.none
    }

    var names: [AllowedNames.Entry] = []
    var allowed: [AddressEntry] = []
    var banned: [AddressEntry] = []
    var sources: [Source] = []
    /// Whether it was read from a file that is to be written anew.
    var isOldForm = false
}

/// Version 1 was one JSON object; a file of it is read once, after an upgrade.
extension SavedState {
    /// Nil for what is not such an object.
    init?(version1 saved: JSONValue) {
        guard saved["version"]?.int64 == 1 else { return nil }
        isOldForm = true
        let calendar = Clock.Calendar()
        func values<Value>(_ name: String, _ read: (JSONValue, Clock.Calendar) -> Value?) -> [Value] {
            (saved[name]?.array ?? []).compactMap { read($0, calendar) }
        }
        names = values("allow_names", Self.name)
        allowed = values("allow", Self.entry)
        banned = values("ban", Self.entry)
        sources = values("banned_sources", Self.source)
    }

    private static func name(_ saved: JSONValue, _ calendar: Clock.Calendar) -> AllowedNames.Entry? {
        guard let text = saved["name"]?.string, AllowedName.isName(text) else { return nil }
        let name = AllowedName(name: text, comment: saved["comment"]?.string ?? "", until: saved["until"]?.int64)
        let since = saved["since"]?.int64.map(calendar.instant) ?? Clock.now
        return AllowedNames.Entry(name: name, since: since, by: saved["by"]?.string ?? "")
    }

    private static func entry(_ saved: JSONValue, _ calendar: Clock.Calendar) -> AddressEntry? {
        guard let prefix = saved["address"]?.string.flatMap({ Prefix($0) }), let since = saved["since"]?.int64 else {
            return nil
        }
        return AddressEntry(
            prefix: prefix, since: calendar.instant(ofSeconds: since),
            until: saved["until"]?.int64.map(calendar.instant), comment: saved["comment"]?.string ?? "",
            by: saved["by"]?.string ?? "")
    }

    private static func source(_ saved: JSONValue, _ calendar: Clock.Calendar) -> Source? {
        guard let address = saved["address"]?.string.flatMap({ IPAddress($0) }), let until = saved["until"]?.int64
        else {
            return nil
        }
        return Source(
            address: address, since: saved["since"]?.int64.map(calendar.instant) ?? Clock.now,
            until: calendar.instant(ofSeconds: until), count: UInt8(clamping: saved["count"]?.int64 ?? 1),
            isProven: saved["proven"]?.bool ?? false,
            rule: NameID(rawValue: UInt32(clamping: saved["rule"]?.int64 ?? 0)))
    }
}

import ArgumentParser
import JSON

/// Which part of a list is wanted.
struct ListOptions: ParsableArguments {
    @Option(help: "How many entries, 1 to 10000 (default: 50; with --json 1000).") var limit: Int64?
    @Option(help: "How many entries to leave out first.") var offset: Int64 = 0

    func validate() throws {
        if let limit, !(1...10_000).contains(limit) { throw ValidationError("--limit takes 1 to 10000.") }
        if offset < 0 { throw ValidationError("--offset takes 0 or more.") }
    }

    func params(json: Bool) -> JSONValue { ["offset": .int(offset), "limit": .int(limit ?? (json ? 1000 : 50))] }
}

/// What the daemon calls an address, prefix or name.
struct ListedAddress {
    let text: String

    /// A text that can be no address is a name; whether it is a good one, the daemon says.
    var member: (String, JSONValue?) {
        let isName = !text.contains("/") && !text.contains(":") && text.contains { $0.isLetter }
        return (isName ? "name" : "address", .string(text))
    }
}

/// A new entry of a list.
struct EntryOptions: ParsableArguments {
    @Argument(help: "An address or a prefix, such as 203.0.113.0/24; `allow` takes a DNS name too.") var address: String
    @Option(help: "For how long: 90s, 10m, 12h, 7d. Without it: until removed.") var duration: String?
    @Option(help: "Why; shown in lists.") var comment: String?
    @Option(help: "Who sets it (default: the user's name).") var by: String?

    func members(user: String?) -> [(String, JSONValue?)] {
        [
            ("address", .string(address)), ("duration", duration.map(JSONValue.string)),
            ("comment", comment.map(JSONValue.string)), ("by", (by ?? user).map(JSONValue.string)),
        ]
    }
}

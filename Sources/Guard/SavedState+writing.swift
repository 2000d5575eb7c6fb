import Policy

/// Version 2: one thing a line, its fields with tabs between them. Before it stands the version, behind it the number of lines,
/// so that half a file is known as one.
///
///     sipguardd-state 2
///     name   NAME     SINCE UNTIL BY COMMENT
///     allow  NETWORK  SINCE UNTIL BY COMMENT
///     ban    NETWORK  SINCE UNTIL BY COMMENT
///     source ADDRESS  SINCE UNTIL BANS PROVEN RULE
///     end    LINES
///
/// Times are seconds since 1970, `-` for none; in texts `\t`, `\n` and `\\` stand for those characters.
extension SavedState {
    /// The file's text.
    var text: [UInt8] {
        let calendar = Clock.Calendar()
        var lines = SavedLines(reserving: 64 * (2 + names.count + allowed.count + banned.count + sources.count))
        for entry in names {
            lines.begin(SavedWord.name, entry.name.name, calendar.nearestSecond(of: entry.since))
            lines.end(until: entry.name.until, by: entry.by, comment: entry.name.comment)
        }
        for (kind, list) in [(SavedWord.allow, allowed), (SavedWord.ban, banned)] {
            for entry in list {
                lines.begin(kind, entry.prefix.description, calendar.nearestSecond(of: entry.since))
                lines.end(until: entry.until.map(calendar.nearestSecond), by: entry.by, comment: entry.comment)
            }
        }
        for source in sources {
            lines.begin(SavedWord.source, source.address.description, calendar.nearestSecond(of: source.since))
            let rest = [
                calendar.nearestSecond(of: source.until), Int64(source.count), source.isProven ? 1 : 0,
                Int64(source.rule.rawValue),
            ]
            for number in rest { lines.field(number) }
            lines.end()
        }
        return lines.ended()
    }
}

/// The words of a state file.
enum SavedWord {
    static let head: StaticString = "sipguardd-state\t2\n"
    static let name: StaticString = "name"
    static let allow: StaticString = "allow"
    static let ban: StaticString = "ban"
    static let source: StaticString = "source"
    static let end: StaticString = "end"
    static let never: StaticString = "-"
}

/// The text of a state file while it is written.
private struct SavedLines {
    private var text: [UInt8] = []
    private var count: Int64 = 1

    init(reserving bytes: Int) {
        text.reserveCapacity(bytes)
        add(SavedWord.head)
    }

    private mutating func add(_ word: StaticString) { word.withUTF8Buffer { text.append(contentsOf: $0) } }

    mutating func begin(_ kind: StaticString, _ what: String, _ since: Int64) {
        add(kind)
        field(what)
        field(since)
    }

    mutating func field(_ number: Int64) {
        text.append(0x09)
        text.append(contentsOf: String(number).utf8)
    }

    mutating func field(_ field: String) {
        text.append(0x09)
        for byte in field.utf8 {
            switch byte {
            case 0x09: text += [0x5C, 0x74]
            case 0x0A: text += [0x5C, 0x6E]
            case 0x5C: text += [0x5C, 0x5C]
            default: text.append(byte)
            }
        }
    }

    mutating func end(until: Int64?, by: String, comment: String) {
        if let until {
            field(until)
        } else {
            text.append(0x09)
            add(SavedWord.never)
        }
        field(by)
        field(comment)
        end()
    }

    mutating func end() {
        text.append(0x0A)
        count += 1
    }

    mutating func ended() -> [UInt8] {
        add(SavedWord.end)
        field(count + 1)
        end()
        return text
    }
}

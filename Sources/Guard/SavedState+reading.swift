import Policy

extension SavedState {
    /// Why a text is no saved state, and in which line.
    struct Damage: Error {
        let line: Int
        let message: String
    }

    /// Reads what ``text`` writes. One pass over the bytes, since the first verdict waits for it.
    init(reading text: Bytes) throws(Damage) {
        let calendar = Clock.Calendar()
        guard let first = text.index(of: 0x0A), text.part(0, first + 1).isWord(SavedWord.head) else {
            throw Damage(line: 1, message: "not a state file of this version")
        }
        var (start, line) = (first + 1, 2)
        while let end = text.index(of: 0x0A, from: start) {
            var fields = SavedFields(text.part(start, end))
            guard let kind = fields.next() else { break }
            if kind.isWord(SavedWord.end) {
                guard fields.number() == Int64(line), end + 1 == text.count else { break }
                return
            }
            // Room for all that may follow, at the usual length of a line: growing would copy it all, some twenty times.
            let room = (text.count - start) / 48
            guard add(kind, &fields, calendar, room) else {
                throw Damage(line: line, message: "not a line of a state file")
            }
            (start, line) = (end + 1, line + 1)
        }
        throw Damage(line: line, message: "the end of the file is missing")
    }

    private mutating func add(
        _ kind: Bytes, _ fields: inout SavedFields, _ calendar: Clock.Calendar, _ room: Int
    ) -> Bool {
        if kind.isWord(SavedWord.source) { return sources.take(fields.source(calendar), room) }
        if kind.isWord(SavedWord.ban) { return banned.take(fields.entry(calendar), room) }
        if kind.isWord(SavedWord.allow) { return allowed.take(fields.entry(calendar), room) }
        return kind.isWord(SavedWord.name) && names.take(fields.name(calendar), 1)
    }
}

extension Array {
    /// Whether there was one; the first makes room for all.
    fileprivate mutating func take(_ element: Element?, _ room: Int) -> Bool {
        guard let element else { return false }
        if isEmpty { reserveCapacity(room) }
        append(element)
        return true
    }
}

extension Bytes {
    fileprivate func isWord(_ word: StaticString) -> Bool { word.withUTF8Buffer { sameBytes(as: $0) } }
}

/// The fields of one line, with tabs between them.
private struct SavedFields {
    private let line: Bytes
    private var position = 0

    init(_ line: Bytes) { self.line = line }

    mutating func next() -> Bytes? {
        guard position <= line.count else { return nil }
        let end = line.index(of: 0x09, from: position) ?? line.count
        defer { position = end + 1 }
        return line.part(position, end)
    }

    /// At most eighteen digits: no time needs more.
    mutating func number() -> Int64? { next().flatMap(Self.number) }

    private static func number(_ field: Bytes) -> Int64? {
        let isNegative = field.first == 0x2D
        let digits = isNegative ? field.part(1, field.count) : field
        guard (1...18).contains(digits.count) else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard digit.isDigit else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return isNegative ? -value : value
    }

    /// A time, or the word for none.
    private mutating func end() -> Int64?? {
        guard let field = next() else { return nil }
        return field.isWord(SavedWord.never) ? .some(nil) : Self.number(field).map(Optional.some)
    }

    private mutating func text() -> String? {
        guard let field = next() else { return nil }
        guard field.index(of: 0x5C) != nil else { return field.text }
        var bytes: [UInt8] = []
        var index = 0
        while index < field.count {
            var byte = field[index]
            if byte == 0x5C {
                index += 1
                guard index < field.count else { return nil }
                byte = field[index] == 0x74 ? 0x09 : field[index] == 0x6E ? 0x0A : field[index]
            }
            bytes.append(byte)
            index += 1
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    mutating func source(_ calendar: Clock.Calendar) -> SavedState.Source? {
        guard let address = next().flatMap({ IPAddress(bytes: $0) }), let since = number(), let until = number(),
            let count = number(), let proven = number(), let rule = number()
        else { return nil }
        return SavedState.Source(
            address: address, since: calendar.instant(ofSeconds: since), until: calendar.instant(ofSeconds: until),
            count: UInt8(clamping: count), isProven: proven == 1, rule: NameID(rawValue: UInt32(clamping: rule)))
    }

    private mutating func prefix() -> Prefix? {
        guard let field = next() else { return nil }
        return field.index(of: 0x2F) == nil ? IPAddress(bytes: field).map { Prefix($0) } : Prefix(field.text)
    }

    mutating func entry(_ calendar: Clock.Calendar) -> AddressEntry? {
        guard let prefix = prefix(), let since = number(), let until = end(),
            let by = text(), let comment = text()
        else { return nil }
        return AddressEntry(
            prefix: prefix, since: calendar.instant(ofSeconds: since), until: until.map(calendar.instant),
            comment: comment, by: by)
    }

    mutating func name(_ calendar: Clock.Calendar) -> AllowedNames.Entry? {
        guard let name = text(), AllowedName.isName(name), let since = number(), let until = end(), let by = text(),
            let comment = text()
        else { return nil }
        return AllowedNames.Entry(
            name: AllowedName(name: name, comment: comment, until: until),
            since: calendar.instant(ofSeconds: since), by: by)
    }
}

import Policy

/// What `MessageReader` has to say of a message, written to be read: a byte at a time, in arrays.
struct NaiveReader {
    private(set) var texts: [Field: [UInt8]] = [:]
    private(set) var cseq: Int?
    private(set) var maxForwards: Int?

    init(_ message: [UInt8]) {
        var (lines, body) = Self.split(message[...])
        guard !lines.isEmpty else { return }
        let words = lines.removeFirst().split(separator: 0x20, maxSplits: 1, omittingEmptySubsequences: false)
        if words.count == 2 {
            set(.method, words[0])
            set(.ruri, Self.trimmed(words[1]).prefix { $0 != 0x20 })
        }
        for line in lines { read(line) }
        while let line = Self.takeLine(&body) {
            guard line.count > 2, line.starts(with: "s=".utf8) else { continue }
            set(.sdpSession, Self.trimmed(line.dropFirst(2)))
            break
        }
    }

    /// The lines of the head, with those that continue them, and what stands behind the blank line.
    private static func split(_ message: ArraySlice<UInt8>) -> (lines: [ArraySlice<UInt8>], rest: ArraySlice<UInt8>) {
        var (lines, rest): ([ArraySlice<UInt8>], ArraySlice<UInt8>) = ([], message)
        while var line = takeLine(&rest) {
            let isBlank = line.isEmpty || line == [0x0D]
            while !isBlank, let first = rest.first, first == 0x20 || first == 0x09 {
                let more = takeLine(&rest)!
                line = message[line.startIndex..<more.endIndex]
            }
            if line.last == 0x0D { line.removeLast() }
            if line.isEmpty { break }
            lines.append(line)
        }
        return (lines, rest)
    }

    private static func takeLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        if rest.isEmpty { return nil }
        let line = rest.prefix { $0 != 0x0A }
        rest = rest[line.endIndex...].dropFirst()
        return line
    }

    private mutating func read(_ line: ArraySlice<UInt8>) {
        guard let colon = line.firstIndex(of: 0x3A) else { return }
        let value = Self.trimmed(line[(colon + 1)...])
        switch Self.lowercased(Self.trimmed(line[..<colon])) {
        case "from", "f": readAddress(value, .fromDisplay, .fromUser, .fromDomain, .fromTag)
        case "to", "t": readAddress(value, nil, .toUser, .toDomain, .toTag)
        case "via", "v": readVia(value)
        case "contact", "m": set(.contact, value)
        case "user-agent": set(.userAgent, value)
        case "call-id", "i": set(.callID, value)
        case "cseq": cseq = cseq ?? Self.number(value)
        case "max-forwards": maxForwards = maxForwards ?? Self.number(value)
        case "authorization", "proxy-authorization": readCredentials(value)
        default: break
        }
    }

    private mutating func readAddress(
        _ value: ArraySlice<UInt8>, _ display: Field?, _ user: Field, _ domain: Field, _ tag: Field
    ) {
        var (uri, parameters) = (value.prefix { $0 != 0x3B }, value.drop { $0 != 0x3B })
        if let open = Self.openingBracket(value) {
            uri = value[(open + 1)...].prefix { $0 != 0x3E }
            parameters = value[uri.endIndex...].dropFirst()
            var name = Self.trimmed(value[..<open])
            if name.count >= 2, name.first == 0x22, name.last == 0x22 { name = name.dropFirst().dropLast() }
            if let display, open > value.startIndex { set(display, name) }
        }
        if let found = Self.parameter("tag", in: parameters) { set(tag, found) }
        uri = Self.trimmed(uri)
        guard let colon = uri.firstIndex(of: 0x3A) else { return }
        var host = uri[(colon + 1)...]
        if let at = host.lastIndex(of: 0x40) {
            set(user, host[..<at].prefix { $0 != 0x3A })
            host = host[(at + 1)...]
        }
        set(domain, Self.host(host))
    }

    private static func openingBracket(_ value: ArraySlice<UInt8>) -> Int? {
        var (index, isQuoted) = (value.startIndex, false)
        while index < value.endIndex {
            if value[index] == 0x5C, isQuoted { index += 1 } else if value[index] == 0x22 { isQuoted.toggle() }
            if index < value.endIndex, value[index] == 0x3C, !isQuoted { return index }
            index += 1
        }
        return isQuoted ? value.lastIndex(of: 0x3C) : nil
    }

    private mutating func readVia(_ value: ArraySlice<UInt8>) {
        guard texts[.viaHost] == nil, texts[.viaBranch] == nil else { return }
        let top = value.prefix { $0 != 0x2C }
        let sent = Self.trimmed(top.prefix { $0 != 0x3B })
        let last = sent.lastIndex { $0.isSpace }.map { $0 + 1 } ?? sent.startIndex
        set(.viaHost, Self.host(sent[last...]))
        if let branch = Self.parameter("branch", in: top.drop { $0 != 0x3B }) { set(.viaBranch, branch) }
    }

    private static func host(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        if text.first == 0x5B, let close = text.firstIndex(of: 0x5D) { return text[(text.startIndex + 1)..<close] }
        return text.prefix { !":;?>".utf8.contains($0) && !$0.isSpace }
    }

    private static func parameter(_ name: String, in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        for part in text.split(separator: 0x3B, omittingEmptySubsequences: false).dropFirst() {
            guard let equals = part.firstIndex(of: 0x3D) else { continue }
            let found = lowercased(trimmed(part[..<equals]))
            if found == name { return trimmed(part[(equals + 1)...]) }
        }
        return nil
    }

    private mutating func readCredentials(_ value: ArraySlice<UInt8>) {
        var (rest, found) = (value, [String: ArraySlice<UInt8>]())
        while !rest.isEmpty, found.count < 2 {
            rest = rest.drop { $0.isSpace || $0 == 0x2C }
            let key = rest.prefix { $0 != 0x3D && $0 != 0x2C && !$0.isSpace }
            rest = rest[key.endIndex...].drop { $0.isSpace }
            guard rest.first == 0x3D else { continue }
            rest = rest.dropFirst().drop { $0.isSpace }
            let value = Self.takeValue(&rest)
            let name = Self.lowercased(key)
            if ["username", "realm"].contains(name), found[name] == nil { found[name] = value }
        }
        if let username = found["username"] { set(.authUser, username) }
        if let realm = found["realm"] { set(.authRealm, realm) }
    }

    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard rest.first == 0x22 else {
            let value = rest.prefix { $0 != 0x2C }
            rest = rest[value.endIndex...]
            return trimmed(value)
        }
        rest = rest.dropFirst()
        var value = rest
        while let byte = rest.first, byte != 0x22 { rest = rest.dropFirst(byte == 0x5C ? 2 : 1) }
        value = value.prefix(rest.startIndex - value.startIndex)
        rest = rest.dropFirst()
        return value
    }

    private static func number(_ value: ArraySlice<UInt8>) -> Int? {
        let digits = value.prefix { $0.isDigit }
        return digits.count < 10 ? Int(String(decoding: digits, as: UTF8.self)) : nil
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let front = text.drop { $0.isSpace }
        return front.prefix((front.lastIndex { !$0.isSpace } ?? front.startIndex - 1) + 1 - front.startIndex)
    }

    private static func lowercased(_ name: ArraySlice<UInt8>) -> String {
        String(decoding: name.map(\.lowercased), as: UTF8.self)
    }

    private mutating func set(_ field: Field, _ value: ArraySlice<UInt8>) {
        if texts[field] == nil { texts[field] = Array(value) }
    }
}

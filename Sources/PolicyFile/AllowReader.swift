import Glibc
import Policy

extension PolicyReader {
    static let allowKeys = ["address", "name", "comment", "until", "refresh"]

    /// The allow list: networks as they are, and names whose addresses are found out.
    mutating func readAllow(_ value: YAMLValue?) {
        guard let list = value?.list(0...100_000) else { return }
        (draft.allow, draft.allowNames) = ([], [])
        for item in list {
            if item.isScalar {
                if let prefix = item.prefix() { draft.allow.append(AddressPolicy.Entry(prefix: prefix, comment: "")) }
            } else if let map = item.mapping(Self.allowKeys) {
                readAllowEntry(map)
            }
        }
        if draft.allowNames.count > 256 {
            value?.report("has \(draft.allowNames.count) names; at most 256 are allowed")
        }
    }

    private mutating func readAllowEntry(_ map: YAMLMapping) {
        let comment = map["comment"]?.string() ?? ""
        let until = map["until"].map { $0.time() }
        switch (map["address"], map["name"]) {
        case (let address?, nil):
            map["refresh"]?.report("is for names, which are looked up again; remove it")
            guard let prefix = address.prefix() else { return }
            draft.allow.append(AddressPolicy.Entry(prefix: prefix, comment: comment, until: until ?? nil))
        case (nil, let name?):
            let refresh = map["refresh"]?.duration(.seconds(5)...(.seconds(86_400))) ?? AllowedName.usualRefresh
            guard let text = name.hostName() else { return }
            draft.allowNames.append(AllowedName(name: text, comment: comment, until: until ?? nil, refresh: refresh))
        case (nil, nil):
            map.value.report("'address' is missing; write 'address: 192.0.2.0/24' or 'name: phone.example.net'")
        case (.some, let name?): name.report("stands beside 'address'; an entry has one of them, make two of it")
        }
    }
}

extension YAMLValue {
    /// A DNS name.
    func hostName() -> String? {
        guard let text = string() else { return nil }
        return AllowedName.isName(text)
            ? text : fail("'\(text)' is not a host's name; write one such as phone.example.net")
    }

    /// A day, which is meant to its end, or a time, both in UTC; in seconds since 1970.
    func time() -> Int64? {
        let expectation = "write a day such as 2027-01-31, which counts to its end in UTC, or 2027-01-31T18:00:00Z"
        guard let text = string(orElse: expectation) else { return nil }
        if let seconds = Self.seconds(text) { return seconds }
        return fail("'\(text)' is not a day or time; \(expectation)")
    }

    private static func seconds(_ text: String) -> Int64? {
        let hasTime = text.utf8.count == 20 && text.hasSuffix("Z")
        guard hasTime || text.utf8.count == 10 else { return nil }
        let marks: [UInt8] = Array((hasTime ? "0000-00-00T00:00:00Z" : "0000-00-00").utf8)
        let fits = zip(text.utf8, marks).allSatisfy { $1 == 0x30 ? (0x30...0x39).contains($0) : $0 == $1 }
        guard fits else { return nil }
        let parts = text.split { !$0.isNumber }.compactMap { Int32($0) }
        let limits: [ClosedRange<Int32>] = [1970...9999, 1...12, 1...31, 0...23, 0...59, 0...60]
        guard zip(parts, limits).allSatisfy({ $1.contains($0) }) else { return nil }
        var time = tm()
        (time.tm_year, time.tm_mon, time.tm_mday) = (parts[0] - 1900, parts[1] - 1, parts[2])
        if hasTime { (time.tm_hour, time.tm_min, time.tm_sec) = (parts[3], parts[4], parts[5]) }
        let seconds = Int64(timegm(&time))
        // The 31st of February comes back as a day of March.
        return time.tm_mday == parts[2] || hasTime ? seconds + (hasTime ? 0 : 86_400) : nil
    }
}

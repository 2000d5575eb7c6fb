import JSON
import Policy

/// What a feed's text holds.
struct FeedText {
    /// Why a text is not taken.
    struct Mistake: Error, Equatable {
        let description: String
        init(_ description: String) { self.description = description }
    }

    private(set) var prefixes: [Prefix] = []
    /// Lines that are no network, by number; the first few, and how many there are.
    private(set) var badLines: [Int] = []
    private(set) var badCount = 0

    static let namedLines = 10

    /// Reads lines. A text that looks like something else altogether, such as a page that says sorry, is not taken.
    init(lines bytes: [UInt8], format: FeedOrigin.Format, most: Int) throws(Mistake) {
        var number = 0
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let words = line.prefix { $0 != 0x23 && $0 != 0x3B }
            guard let entry = Self.entry(words, format) else { continue }
            guard let prefix = Self.prefix(entry) else {
                badCount += 1
                if badLines.count < Self.namedLines { badLines.append(number) }
                continue
            }
            prefixes.append(prefix)
            guard prefixes.count <= most else { throw Mistake("it has more than \(most) entries, which is its limit") }
        }
        if badCount > prefixes.count {
            throw Mistake("\(badCount) of its lines are no networks, line \(badLines[0]) the first; this is no list")
        }
    }

    /// What of a line counts; nil where it is empty. CrowdSec writes `Ip:192.0.2.1`, or columns behind commas.
    private static func entry(_ line: ArraySlice<UInt8>, _ format: FeedOrigin.Format) -> Substring? {
        var text = Substring(decoding: line, as: UTF8.self)
        if format == .crowdsec {
            text = text.prefix { $0 != "," }
            for kind in ["Ip:", "Range:", "ip:", "range:"] where text.hasPrefix(kind) {
                text = text.dropFirst(kind.count)
            }
            if text == "value" { return nil }
        }
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text.isEmpty ? nil : text
    }

    /// Nobody lists the whole Internet on purpose.
    private static func prefix(_ text: Substring) -> Prefix? {
        guard text.utf8.count <= 64, let prefix = Prefix(String(text)), !prefix.isVeryWide else { return nil }
        return prefix
    }

    /// One page of apiban.org's answer: `{"ipaddress": ["192.0.2.1"], "ID": "1700000000"}`; the id asks for the next page and
    /// is `none` behind the last.
    static func page(apiban bytes: [UInt8]) throws(Mistake) -> (prefixes: [Prefix], next: String?) {
        let value: JSONValue
        do throws(JSONParseError) {
            value = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw Mistake("the answer is not JSON")
        }
        guard let addresses = value["ipaddress"]?.array, let id = value["ID"]?.string else {
            throw Mistake("the answer has no 'ipaddress' and 'ID'")
        }
        guard id != "none" else { return ([], nil) }
        guard (1...32).contains(id.utf8.count), id.utf8.allSatisfy({ $0.isASCIIAlphanumeric }) else {
            throw Mistake("the answer's 'ID' is not one")
        }
        let prefixes = addresses.compactMap { $0.string.flatMap { prefix(Substring($0)) } }
        guard prefixes.count * 2 >= addresses.count else { throw Mistake("most of its entries are no addresses") }
        return (prefixes, id)
    }
}

extension UInt8 {
    fileprivate var isASCIIAlphanumeric: Bool { isDigit || (0x61...0x7A).contains(self | 0x20) }
    fileprivate var isDigit: Bool { (0x30...0x39).contains(self) }
}

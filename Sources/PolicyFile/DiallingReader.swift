import Policy

/// Reads `dialling`: how international numbers are dialled here.
enum DiallingReader {
    static let keys = ["international"]

    static func read(_ value: YAMLValue) -> DiallingPlan? {
        guard
            let list = value.mapping(keys)?.required("international", "write 'international: [\"+\", \"00\"]'")?
                .listOrOne(1...32)
        else { return nil }
        let prefixes = list.compactMap(prefix)
        return prefixes.count == list.count ? DiallingPlan(international: prefixes) : nil
    }

    private static func prefix(_ value: YAMLValue) -> String? {
        guard let text = value.string() else { return nil }
        let isPrefix = text.utf8.enumerated().allSatisfy { $1.isDigit || ($0 == 0 && $1 == UInt8(ascii: "+")) }
        guard isPrefix, (1...8).contains(text.utf8.count) else {
            return value.fail("'\(text)' is not a prefix; write '+' or up to 8 digits in quotes, such as \"00\"")
        }
        return text
    }
}

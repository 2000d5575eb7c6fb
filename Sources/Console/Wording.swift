/// How numbers and times are said.
enum Wording {
    /// `3 d 4 h`, `2 min 5 s`: the two largest units, which is as exact as anybody needs it.
    static func duration(seconds: Int) -> String {
        let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]
        guard let first = units.firstIndex(where: { abs(seconds) >= $0.1 }) else { return "0 s" }
        var (rest, parts) = (abs(seconds), [String]())
        for (name, size) in units[first...].prefix(2) where rest / size > 0 {
            parts.append("\(rest / size) \(name)")
            rest %= size
        }
        return parts.joined(separator: " ")
    }

    /// `1,234,567`.
    static func count(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }

    /// `1 answer`, `2 answers`.
    static func count(_ number: Int, _ noun: String, plural: String? = nil) -> String {
        "\(count(number)) \(number == 1 ? noun : plural ?? noun + "s")"
    }

    /// One figure behind the point, rounded: `12.5 %`.
    static func share(_ part: Int, of whole: Int) -> String {
        guard whole > 0 else { return "" }
        let tenths = Int((Double(part) * 1000 / Double(whole)).rounded())
        return "\(tenths / 10).\(tenths % 10) %"
    }

    static func number(_ number: Double) -> String {
        if let whole = Int(exactly: number) { return count(whole) }
        let tenths = (number * 100).rounded() / 100
        return "\(tenths)"
    }
}

extension Page {
    /// `3 min ago` or `in 3 min`; the text itself if it is no time.
    func age(_ text: String) -> String {
        guard let then = Timestamp(text) else { return text }
        if then.seconds > now { return "in " + Wording.duration(seconds: then.seconds - now) }
        return then.seconds == now ? "just now" : Wording.duration(seconds: now - then.seconds) + " ago"
    }

    /// The time for the log's sake and its distance for the reader's: `2025-11-21T06:59:32Z (3 min ago)`.
    func moment(_ text: String) -> String {
        Timestamp(text) == nil ? text : "\(text) (\(age(text)))"
    }
}

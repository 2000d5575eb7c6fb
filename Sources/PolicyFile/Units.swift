import Policy

extension Duration {
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// Reads a whole number and a unit: `500ms`, `90s`, `10m`, `12h`, `7d`; nil if it is something else.
    public init?(unitText text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits),
            let unit = Self.units.first(where: { $0.suffix == text.dropFirst(digits.count) })
        else { return nil }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
        guard !overflow else { return nil }
        self = .milliseconds(milliseconds)
    }

    /// The shortest such text for a duration of whole milliseconds: `10m` rather than `600s`.
    public var unitText: String {
        let milliseconds = microseconds / 1000
        for unit in Self.units.reversed() where milliseconds != 0 && milliseconds.isMultiple(of: unit.milliseconds) {
            return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
        }
        return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
    }
}

extension YAMLValue {
    /// A duration within bounds.
    public func duration(_ bounds: ClosedRange<Duration> = .zero...(.seconds(365 * 86_400))) -> Duration? {
        let expectation = "write a number with a unit, such as 500ms, 90s, 10m, 12h or 7d"
        guard let text = string(orElse: expectation) else { return nil }
        guard let duration = Duration(unitText: text) else {
            return fail("'\(text)' is not a duration; \(expectation)")
        }
        guard bounds.contains(duration) else {
            return fail(
                "\(text) is out of range; write a duration from \(bounds.lowerBound.unitText) to \(bounds.upperBound.unitText)"
            )
        }
        return duration
    }

    /// A size in bytes within bounds: `512KiB`, `64MiB`, `1GiB`.
    public func size(_ bounds: ClosedRange<Int>) -> Int? {
        let expectation = "write a number with a unit, such as 64KiB, 64MiB or 1GiB"
        guard let text = string(orElse: expectation) else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let shifts = ["KiB": 10, "MiB": 20, "GiB": 30]
        guard let number = Int(digits), let shift = shifts[String(text.dropFirst(digits.count))], number < 1 << 32
        else {
            return fail("'\(text)' is not a size; \(expectation)")
        }
        guard bounds.contains(number << shift) else {
            return fail(
                "\(text) is out of range; write a size from \(bounds.lowerBound >> 10)KiB to \(bounds.upperBound >> 10)KiB"
            )
        }
        return number << shift
    }

    /// An IPv4 or IPv6 address.
    public func address() -> IPAddress? {
        let expectation = "write an IPv4 or IPv6 address, such as 192.0.2.1 or 2001:db8::1"
        guard let text = string(orElse: expectation) else { return nil }
        return IPAddress(text) ?? fail("'\(text)' is not an address; \(expectation)")
    }

    /// A network or a single address. Bits behind the prefix length must be zero: they are a slip more often than meant.
    public func prefix() -> Prefix? {
        let expectation = "write an address or a network, such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"
        guard let text = string(orElse: expectation) else { return nil }
        guard let prefix = Prefix(text) else { return fail("'\(text)' is not an address or network; \(expectation)") }
        let written = text.split(separator: "/")[0]
        guard IPAddress(written) == prefix.first else {
            return fail(
                "\(text) has bits behind its length; write \(prefix) for the network or \(written) for the one address")
        }
        return prefix
    }

    /// `N per DURATION`, optionally with `burst M`.
    public func rate() -> RateLimit? {
        let expectation = "write 'N per DURATION', such as '10 per 1m' or '100 per 1s burst 3000'"
        guard let text = string(orElse: expectation) else { return nil }
        let words = text.split(separator: " ")
        let isComplete = words.count == 3 || (words.count == 5 && words[3] == "burst")
        guard isComplete, words[1] == "per", let events = Int(words[0]), let per = Duration(unitText: String(words[2])),
            let burst = words.count == 5 ? Int(words[4]) : events
        else { return fail("'\(text)' is not a rate; \(expectation)") }
        guard (1...1_000_000).contains(events), (1...1_000_000).contains(burst) else {
            return fail("'\(text)' is out of range; events and burst are from 1 to 1000000")
        }
        guard (.milliseconds(1)...(.seconds(30 * 86_400))).contains(per), per.microseconds >= Int64(events) else {
            return fail(
                "'\(text)' is out of range; the time is from 1ms to 30d, and at most one event for each microsecond")
        }
        return RateLimit(events: events, per: per, burst: burst)
    }
}

/// The corpus' figures as one table, which is what is checked in as well.
public struct Scoreboard: Sendable {
    /// Figures by a scenario's name.
    public typealias Known = [String: Figures]

    private var lines: [(scenario: Scenario, figures: Figures)] = []

    public init() {}

    public mutating func add(_ scenario: Scenario, _ figures: Figures) { lines.append((scenario, figures)) }

    private static let attackTitle = ["attack", "goal", "recognised", "messages", "failures", "passed", "sent"]
    private static let customerTitle = ["customer", "requests", "refused", "delayed", "vain"]

    public var text: String {
        let attacks = lines.compactMap { line in
            line.figures.attack.map { figures in
                [
                    line.scenario.name, line.scenario.goal?.text ?? "none", figures.recognised.text,
                    figures.messages.text,
                    figures.failures.text, String(figures.passed), String(figures.sent),
                ]
            }
        }
        let customers = lines.compactMap { line in
            line.figures.customers.map { [line.scenario.name] + $0.counts.map(String.init) }
        }
        return """
            # Failures until an attack is recognised, messages and failures until one of its messages is treated (- is never),
            # messages that passed of those that were sent; requests of customers, how many of them were refused, how many passed only
            # when they were sent again, and how many were met with silence that would have failed anyway.
            # Written by `make corpus UPDATE=1`.

            \(Self.table([Self.attackTitle] + attacks))

            \(Self.table([Self.customerTitle] + customers))

            """
    }

    /// Columns two spaces apart, the name to the left and the rest to the right; wide enough that one more scenario seldom
    /// moves the others.
    private static func table(_ rows: [[String]]) -> String {
        let widths = rows[0].indices.map { column in
            max(column == 0 ? 44 : 8, rows.map { $0[column].count }.max() ?? 0)
        }
        return rows.map { row in
            row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + padding : padding + row[column]
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// Reads figures back from such a table.
    public static func known(in text: String) -> Known {
        var known: Known = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ").map(String.init)
            if words.count == 5, case let counts = words.dropFirst().compactMap({ Int($0) }), counts.count == 4 {
                known[words[0], default: Figures()].customers = CustomerFigures(
                    requests: counts[0], refused: counts[1], delayed: counts[2], vain: counts[3])
            } else if words.count >= 7, let sent = Int(words[words.count - 1]), let passed = Int(words[words.count - 2])
            {
                known[words[0], default: Figures()].attack = AttackFigures(
                    recognised: Int(words[words.count - 5]), messages: Int(words[words.count - 4]),
                    failures: Int(words[words.count - 3]), passed: passed,
                    sent: sent)
            }
        }
        return known
    }

    /// All that is wrong with the figures of all scenarios.
    public func problems(against known: Known) -> [String] {
        lines.flatMap { Self.problems($0.figures, of: $0.scenario, against: known) }
    }

    /// Scenarios that are better than what is checked in.
    public func improvements(on known: Known) -> [String] {
        lines.filter { line in
            guard let attack = line.figures.attack, let before = known[line.scenario.name]?.attack else { return false }
            return attack.regressions(from: before).isEmpty && !before.regressions(from: attack).isEmpty
        }.map(\.scenario.name)
    }

    /// What is wrong with the figures of a scenario: refused customers, a goal that was missed, a step back.
    public static func problems(_ figures: Figures, of scenario: Scenario, against known: Known) -> [String] {
        var problems: [String] = []
        if let customers = figures.customers, customers.refused > 0 {
            let first = customers.firstRefusal ?? ""
            problems.append(
                "\(customers.refused) of \(customers.requests) requests of customers refused, first \(first)")
        }
        if let customers = figures.customers, let before = known[scenario.name]?.customers {
            problems += customers.regressions(from: before)
        }
        if let attack = figures.attack {
            if let goal = scenario.goal, !goal.isMet(by: attack) {
                problems.append(
                    "recognised after \(attack.recognised.text) failures, treated after \(attack.messages.text) messages "
                        + "and \(attack.failures.text) failures, goal \(goal.text)"
                )
            }
            if let before = known[scenario.name]?.attack {
                problems += attack.regressions(from: before)
            } else {
                problems.append("no figures are checked in; look at them, then run make corpus UPDATE=1")
            }
        }
        return problems.map { "\(scenario.name): \($0)" }
    }
}

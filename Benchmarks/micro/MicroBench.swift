import Glibc
import Guard
import JSON

/// Measures the daemon's inside in one process: what a decision costs, without a socket.
///
/// `micro-bench measure` prints JSON; `micro-bench work PART COUNT` only does the work, to be run under callgrind.
@main enum MicroBench {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        switch words.first {
        case "measure": measure(Array(words.dropFirst()))
        case "work": work(Array(words.dropFirst()))
        default:
            print(
                "usage: micro-bench measure [decision|allocations|signatures|prefixes|table|sizes]... | work PART COUNT"
            )
            exit(64)
        }
    }

    private static func measure(_ names: [String]) {
        let all: [(String, () -> [Figure])] = [
            ("decision", Measurements.decision), ("allocations", Measurements.allocations),
            ("signatures", Measurements.signatures), ("prefixes", Measurements.prefixes), ("table", Stalls.measure),
            ("sizes", Stalls.sizes),
        ]
        let figures = all.filter { names.isEmpty || names.contains($0.0) }.flatMap { $0.1() }
        print(JSONValue.array(figures.map(\.json)).prettyText)
    }

    private static func work(_ words: [String]) {
        guard words.count == 2, let part = Part(rawValue: words[0]), let count = Int(words[1]), count >= 0 else {
            print("usage: micro-bench work \(Part.allCases.map(\.rawValue).joined(separator: "|")) COUNT")
            exit(64)
        }
        let job = part.job()
        for _ in 0..<part.turnsBefore { job() }
        for _ in 0..<count { job() }
    }
}

/// A part of the work that is looked at alone.
enum Part: String, CaseIterable {
    /// From the line of a header block to the line of the reply.
    case message
    /// The same with facts told singly.
    case facts
    /// As `message`, with each decision written down in a file that keeps nothing: by the thread that decides, and by the writer's.
    case log
    /// Making the question: what those above contain besides.
    case question
    /// From facts to a verdict.
    case decision
    /// The same with values of 500 bytes that are made to cost, a dozen requests each time.
    case hostile
    /// With values four times as long.
    case longHostile = "long-hostile"

    /// How often it is done before it is what it will stay.
    var turnsBefore: Int { self == .hostile || self == .longHostile ? 2 : 4000 }

    /// What does it once.
    func job() -> () -> Void {
        switch self {
        case .message: Self.answering(.message)
        case .facts: Self.answering(.facts)
        case .log: Self.logging()
        case .question: Self.asking()
        case .decision: Self.deciding()
        case .hostile: Hostile.deciding(bytes: 500)
        case .longHostile: Hostile.deciding(bytes: 2000)
        }
    }

    private static func answering(_ form: Questions.Form) -> () -> Void {
        let house = House()
        var questions = Questions(form, sources: 1000)
        return {
            let length = questions.withNext { house.answer($0) }
            precondition(length > 60)
        }
    }

    private static func logging() -> () -> Void {
        var settings = DecisionLog.Settings(path: "/dev/null")
        // A device is not for being renamed.
        settings.size = .max
        let log = DecisionLog(settings)
        let (house, writer) = (House(decisionLog: log), DecisionLogWriter(log))
        var questions = Questions(.message, sources: 1000)
        var count = 0
        return {
            precondition(questions.withNext { house.answer($0) } > 60)
            count += 1
            if count.isMultiple(of: 100) { precondition(writer.write() == nil && log.lost == 0) }
        }
    }

    private static func asking() -> () -> Void {
        var questions = Questions(.message, sources: 1000)
        return { precondition(questions.withNext { $0.count } > 60) }
    }

    private static func deciding() -> () -> Void {
        let decisions = Decisions(sources: 1000)
        return { precondition(decisions.next()) }
    }
}

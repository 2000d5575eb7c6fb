import Differential
import Glibc
import Synchronization

/// Asks both readers of `guard.check`, the reader of header blocks and a naive one too, and ends with code 1 at the first
/// difference.
///
/// `fuzz [SECONDS [SEED]]`: 60 seconds and a seed by chance, unless told; longer where ten million texts take longer, and ten
/// times as long at most. The seed and how many texts there were are printed: the same seed makes the same texts again.
@main enum Fuzz {
    /// As many texts as a run must try.
    private static let fewest = 10_000_000

    static func main() {
        let words = CommandLine.arguments.dropFirst().map { UInt64($0) }
        guard words.count <= 2, !words.contains(nil) else {
            print("usage: fuzz [SECONDS [SEED]]")
            exit(64)
        }
        let seconds = Int64(clamping: words.first.flatMap { $0 } ?? 60)
        let chance = words.count == 2 ? words[1]! : UInt64.random(in: .min ... .max)
        // One seed is always the same, so that two runs can be compared; the others change.
        let runs = [Run(seed: 1), Run(seed: chance)]
        print("fuzz: \(seconds) s with the seeds 1 and \(chance)")
        let begin = ContinuousClock.now
        let tried = Atomic<Int>(0)
        let threads = runs.map { run in
            Thread {
                while true {
                    let time = ContinuousClock.now - begin
                    let isEnough = tried.load(ordering: .relaxed) >= fewest && time >= .seconds(seconds)
                    if isEnough || time >= .seconds(seconds) * 10 { return }
                    tried.add(run.go(), ordering: .relaxed)
                }
            }
        }
        for thread in threads { thread.join() }
        let problems = Kind.allCases.compactMap { kind in
            problem(of: kind, runs.reduce(Count()) { $0 + $1.count(of: kind) })
        }
        let texts = tried.load(ordering: .relaxed)
        print("fuzz: both alike; \(texts) texts in all, in \((ContinuousClock.now - begin).components.seconds) s")
        for problem in problems { print("fuzz: \(problem)") }
        if texts < fewest { print("fuzz: too few were tried, \(fewest) are wanted") }
        if texts < fewest || !problems.isEmpty { exit(1) }
    }

    /// A reader that understands nothing is never wrong.
    private static func problem(of kind: Kind, _ count: Count) -> String? {
        print("fuzz: \(count.texts) \(kind.rawValue), \(count.plain) of them understood by the one-pass reader")
        return count.plain > count.texts / kind.mostForOneUnderstood ? nil : "too few \(kind.rawValue) were understood"
    }
}

/// What is tried; each kind must be understood often enough by itself.
private enum Kind: String, CaseIterable {
    case questions
    case messages = "header blocks"

    /// Of so many texts at least one is understood: it is 9 in 100 questions, and 80 in 100 that are whole around header blocks.
    var mostForOneUnderstood: Int { self == .questions ? 20 : 2 }
}

private struct Count {
    var (texts, plain) = (0, 0)

    static func + (left: Self, right: Self) -> Self {
        Self(texts: left.texts + right.texts, plain: left.plain + right.plain)
    }
}

/// The texts of one seed: for one thread, and when it has ended for another.
private final class Run: @unchecked Sendable {
    private let seed: UInt64
    private let readers = Readers()
    private var requests: Requests
    private var counts: [Kind: Count] = [:]

    init(seed: UInt64) { (self.seed, requests) = (seed, Requests(seed: seed)) }

    func count(of kind: Kind) -> Count { counts[kind, default: Count()] }

    /// Some more texts: how many.
    func go() -> Int {
        for _ in 0..<1000 {
            let text = requests.next()
            note(readers.compare(text), .questions, text)
        }
        // A tenth of them: what they are compared with takes its time.
        for _ in 0..<100 {
            let text = requests.nextMessage()
            note(readers.compare(message: text), .messages, text)
        }
        return 1100
    }

    private func note(_ outcome: Readers.Outcome, _ kind: Kind, _ text: [UInt8]) {
        let plain = Self.understood(outcome, text, seed)
        counts[kind, default: Count()] = count(of: kind) + Count(texts: 1, plain: plain)
    }

    private static func understood(_ outcome: Readers.Outcome, _ text: [UInt8], _ seed: UInt64) -> Int {
        switch outcome {
        case .notPlain: return 0
        case .same: return 1
        case .different(let what): report(what, text, seed)
        }
    }

    private static func report(_ what: String, _ text: [UInt8], _ seed: UInt64) -> Never {
        print("fuzz: seed \(seed): the readers differ in \(what):")
        print(String(decoding: text, as: UTF8.self))
        print(text.map { String($0, radix: 16) }.joined(separator: " "))
        exit(1)
    }
}

/// A thread that is waited for.
private final class Thread {
    private var thread = pthread_t()
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
        let code = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Thread>.fromOpaque(argument!).takeUnretainedValue().body()
                return nil
            }, Unmanaged.passUnretained(self).toOpaque())
        precondition(code == 0, "pthread_create")
    }

    func join() { pthread_join(thread, nil) }
}

import Differential
import Glibc
import Synchronization

/// Asks both readers of `guard.check` for a while, the reader of header blocks and a naive one too, and ends with code 1 at the
/// first difference.
///
/// `fuzz [SECONDS [SEED]]`: 60 seconds and a seed by chance, unless told. The seed and how many texts there were are printed:
/// the same seed makes the same texts again.
@main enum Fuzz {
    static func main() {
        let words = CommandLine.arguments.dropFirst().map { UInt64($0) }
        guard words.count <= 2, !words.contains(nil) else {
            print("usage: fuzz [SECONDS [SEED]]")
            exit(64)
        }
        let seconds = words.first.flatMap { $0 } ?? 60
        let chance = words.count == 2 ? words[1]! : UInt64.random(in: .min ... .max)
        // One seed is always the same, so that two runs can be compared; the others change.
        let runs = [Run(seed: 1), Run(seed: chance)]
        print("fuzz: \(seconds) s with the seeds 1 and \(chance)")
        let deadline = ContinuousClock.now + .seconds(Int64(seconds))
        let threads = runs.map { run in Thread { run.go(until: deadline) } }
        for thread in threads { thread.join() }
        let (texts, plain) = runs.reduce((0, 0)) { ($0.0 + $1.texts, $0.1 + $1.plain) }
        print("fuzz: \(texts) texts, \(plain) of them understood by the one-pass reader, and by both alike")
        // A reader that understands nothing is never wrong.
        guard plain > texts / 100 else {
            print("fuzz: too few were understood")
            exit(1)
        }
    }
}

/// The texts of one seed.
private final class Run: Sendable {
    private let seed: UInt64
    private let counts = Mutex((texts: 0, plain: 0))

    init(seed: UInt64) { self.seed = seed }

    var texts: Int { counts.withLock { $0.texts } }
    var plain: Int { counts.withLock { $0.plain } }

    func go(until deadline: ContinuousClock.Instant) {
        let readers = Readers()
        var requests = Requests(seed: seed)
        while ContinuousClock.now < deadline {
            var plain = 0
            for _ in 0..<1000 {
                let text = requests.next()
                plain += Self.understood(readers.compare(text), text, seed)
            }
            // A tenth of them: what they are compared with takes its time.
            for _ in 0..<100 {
                let text = requests.nextMessage()
                plain += Self.understood(readers.compare(message: text), text, seed)
            }
            counts.withLock { $0 = ($0.texts + 1100, $0.plain + plain) }
        }
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

import Foundation
import Policy

@testable import PolicyFile

/// Files that lie beside the tests.
enum Fixture {
    static func url(_ path: String) -> URL {
        Bundle.module.resourceURL!.appendingPathComponent("Fixtures").appendingPathComponent(path)
    }

    /// The names of a folder's files, sorted.
    static func names(in folder: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: url(folder).path)
        return (names ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: url(path)), as: UTF8.self)
    }

    static func message(_ path: String) throws -> SampleRequest {
        SampleRequest(source: IPAddress("198.51.100.7")!, message: try text(path))
    }
}

/// Keeps nothing: every event conforms and every key is new.
final class ForgetfulStore: CounterStore {
    let holds = HoldMark()

    func take(_ key: CounterKey, limit: RateLimit, count: Int, now: Instant) -> RateLimit.Outcome { .conforms }
    func remember(_ key: CounterKey, for duration: Duration, now: Instant) -> Bool { false }
    func remembers(_ key: CounterKey, now: Instant) -> Bool { false }
}

extension Ruleset {
    func score(_ request: SampleRequest) -> Int {
        request.withFacts { facts in
            signatures.filter { $0.mode == .enforce && $0.matches(facts) }.map(\.weight).reduce(0, +)
        }
    }

    /// What a stranger's first request gets.
    func decide(_ request: SampleRequest) -> Decision {
        let engine = Engine(ruleset: self, store: ForgetfulStore())
        let now = Instant(microseconds: 1_000_000)
        var record = SourceRecord(address: request.source, now: now)
        var trace: Trace?
        return request.withFacts {
            engine.check($0, record: &record, standing: .stranger, ban: nil, now: now, trace: &trace)
        }
    }

    /// The tool that a request's decision names.
    func tool(_ request: SampleRequest) -> String? {
        let rule = decide(request).rule
        return signatures.first { $0.name == rule }?.tool
    }
}

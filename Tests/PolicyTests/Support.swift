import Synchronization

@testable import Policy

/// The store in its simplest form, to test the engine against; the real one has the same contract test.
final class DictionaryStore: CounterStore {
    let holds = HoldMark()
    private let entries = Mutex<[Int: Instant]>([:])

    private static func hash(_ key: CounterKey) -> Int {
        var hasher = Hasher()
        key.hash(into: &hasher)
        return hasher.finalize()
    }

    func take(_ key: CounterKey, limit: RateLimit, count: Int, now: Instant) -> RateLimit.Outcome {
        let hash = Self.hash(key)
        return entries.withLock { limit.take(&$0[hash, default: .never], count: count, now: now) }
    }

    func remember(_ key: CounterKey, for duration: Duration, now: Instant) -> Bool {
        let hash = Self.hash(key)
        return entries.withLock { entries in
            defer { entries[hash] = now + duration }
            return entries[hash].map { $0 > now } ?? false
        }
    }

    func remembers(_ key: CounterKey, now: Instant) -> Bool {
        let hash = Self.hash(key)
        return entries.withLock { $0[hash].map { $0 > now } ?? false }
    }

    func arrival(of key: CounterKey) -> Instant? {
        let hash = Self.hash(key)
        return entries.withLock { $0[hash] ?? .never }
    }
}

/// Facts whose bytes live as long as the body runs.
func withFacts<Result>(
    from source: String = "198.51.100.7", _ texts: [Field: String] = [:], transport: Transport? = .udp,
    _ body: (RequestFacts) throws -> Result
) rethrows -> Result {
    var facts = RequestFacts(source: IPAddress(source)!)
    facts.transport = transport
    var owned: [UnsafeMutableBufferPointer<UInt8>] = []
    defer {
        for bytes in owned { bytes.deallocate() }
    }
    for (field, text) in texts {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, text.utf8.count))
        _ = copy.initialize(from: text.utf8)
        owned.append(copy)
        facts[field] = Bytes(start: copy.baseAddress, count: text.utf8.count)
    }
    return try body(facts)
}

/// The facts that a message tells, as text.
func facts(in message: String) -> [Field: String] {
    var bytes = Array(message.utf8)
    return bytes.withUnsafeMutableBufferPointer { buffer in
        var facts = RequestFacts(source: IPAddress(v4: 1))
        MessageReader.read(Bytes(buffer), into: &facts)
        return Dictionary(
            uniqueKeysWithValues: Field.allCases.filter { facts[$0].isKnown }.map { ($0, facts[$0].text) })
    }
}

extension Instant {
    static func seconds(_ seconds: Double) -> Instant { Instant(microseconds: Int64(seconds * 1_000_000)) }
}

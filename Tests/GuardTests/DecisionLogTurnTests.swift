import Glibc
import JSON
import RPC
import Synchronization
import Testing

@testable import Guard

/// When the decision log's writer is woken.
@Suite struct DecisionLogTurnTests {
    private let directory = TemporaryDirectory()

    private func log() -> DecisionLog { DecisionLog(DecisionLog.Settings(path: directory.file("decisions.jsonl"))) }

    @Test func theWriterIsWokenWhenEnoughIsWaiting() throws {
        let log = log()
        let wakes = Wakes()
        let (house, writer) = (try House(decisionLog: log), DecisionLogWriter(log))
        log.whenFilling { wakes.value.add(1, ordering: .relaxed) }
        for turn in 1...2 {
            var lines = 0
            while wakes.value.load(ordering: .relaxed) < turn, log.lost == 0 {
                _ = try house.verdict(["source_ip": "203.0.113.5", "method": "OPTIONS"])
                lines += 1
            }
            let waiting = DecisionLog.piecesToWake * DecisionLog.pieceBytes
            #expect((waiting / 300...waiting / 75).contains(lines))
            #expect(writer.write() == nil && log.lost == 0)
        }
    }

    @Test func turnsAreShorterWhereManyAsk() throws {
        let log = log()
        let wakes = Wakes()
        log.whenFilling { wakes.value.add(1, ordering: .relaxed) }
        let house = try House(decisionLog: log)
        let piece = [UInt8](repeating: 0x20, count: DecisionLog.pieceBytes)
        func piecesOfATurn() -> Int {
            let turn = wakes.value.load(ordering: .relaxed)
            var pieces = 0
            while wakes.value.load(ordering: .relaxed) == turn, log.lost == 0 {
                log.add(piece, stripe: pieces)
                pieces += 1
            }
            log.beginTurn()
            takeAll(log)
            return pieces
        }
        let few = DecisionLog.fewAskers
        for (connections, pieces) in [(1, 64), (few, 64), (few + 1, 16), (40, 16), (8, 64)] {
            // The house itself asks too.
            let all = (1..<connections).map { _ in house.connection(role: .ask) }
            withExtendedLifetime(all) { #expect(piecesOfATurn() == pieces, "\(connections) connections") }
        }
        // Somebody sends in bulk: for this turn only.
        let (service, caller) = (GuardService(state: house.state), Caller(listener: "test", role: .ask))
        service.session(for: caller).isGivingWay()
        #expect(piecesOfATurn() == 8)
        #expect(piecesOfATurn() == 64)
        let many = (1...few).map { _ in house.connection(role: .ask) }
        service.session(for: caller).isGivingWay()
        withExtendedLifetime(many) { #expect(piecesOfATurn() == 8) }
        #expect(log.lost == 0)
    }

    @Test func severalStripesWakeTheWriterOnceForAllOfThem() {
        let log = log()
        let wakes = Wakes()
        log.whenFilling { wakes.value.add(1, ordering: .relaxed) }
        let piece = [UInt8](repeating: 0x20, count: DecisionLog.pieceBytes)
        for turn in 1...3 {
            for stripe in 0..<(2 * DecisionLog.piecesToWake) {
                log.add(piece, stripe: stripe)
            }
            #expect(wakes.value.load(ordering: .relaxed) == turn)
            log.beginTurn()
            takeAll(log)
        }
        #expect(log.lost == 0)
    }

    @Test func aLongRecordCountsForAllThatItFills() {
        let log = log()
        let wakes = Wakes()
        log.whenFilling { wakes.value.add(1, ordering: .relaxed) }
        let record = [UInt8](repeating: 0x20, count: 24 * DecisionLog.pieceBytes)
        for (stripe, woken) in [0, 0, 1, 1].enumerated() {
            log.add(record, stripe: stripe)
            #expect(wakes.value.load(ordering: .relaxed) == woken)
        }
        #expect(log.lost == 0)
    }

    @Test func nothingIsLostBeforeTheWriterIsWokenHoweverFewAskOrHoweverMuchTheySay() throws {
        for (connections, bytes) in [(1, 10), (1, 1000), (2, 300), (3, 300), (7, 300), (8, 300), (40, 300)] {
            let log = log()
            let wakes = Wakes()
            log.whenFilling { wakes.value.add(1, ordering: .relaxed) }
            let house = try House(decisionLog: log)
            let all = (0..<connections).map { _ in house.connection(role: .ask) }
            let request: JSONValue = [
                "source_ip": "203.0.113.5", "method": "OPTIONS", "ruri": .string(String(repeating: "x", count: bytes)),
            ]
            var number = 0
            while wakes.value.load(ordering: .relaxed) == 0, log.lost == 0 {
                _ = try all[number % connections].verdict(request)
                number += 1
            }
            #expect(log.lost == 0, "\(connections) connections, \(bytes) bytes")
        }
    }

    @Test func wakingTheWriterTakesNoMoreStackEachTime() {
        let log = log()
        let places = Mutex<[UInt]>([])
        log.whenFilling { places.withLock { $0.append(stackPointer()) } }
        let piece = [UInt8](repeating: 0x20, count: DecisionLog.pieceBytes)
        for _ in 0..<4_000 {
            for stripe in 0..<DecisionLog.piecesToWake {
                log.add(piece, stripe: stripe)
            }
            log.beginTurn()
            takeAll(log)
        }
        let seen = places.withLock { $0 }
        // With a wrapper more each time it would always be another place. The address sanitizer has some thousand in turn.
        #expect(seen.count == 4_000 && Set(seen).count < 2_000)
    }

    private func takeAll(_ log: DecisionLog) {
        var spare = LogBuffer(bytes: DecisionLog.stripeBytes)
        for stripe in 0..<DecisionLog.stripeCount { spare = log.take(stripe: stripe, leaving: spare) }
    }

    private final class Wakes: Sendable { let value = Atomic<Int>(0) }
}

extension DecisionLog {
    fileprivate func add(_ record: [UInt8], stripe: Int) {
        record.withUnsafeBytes { bytes in
            add(bytes: bytes.count, at: .never, stripe: stripe) {
                $0.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
            }
        }
    }
}

/// An address in the caller's frame or just below.
@inline(never)
private func stackPointer() -> UInt {
    withUnsafeTemporaryAllocation(byteCount: 8, alignment: 8) { UInt(bitPattern: $0.baseAddress) }
}

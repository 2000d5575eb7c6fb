import Policy
import Testing

@testable import State

@Suite struct IncidentTableTests {
    private let table = IncidentTable(capacity: 4)
    private let start = Instant(microseconds: 1_000_000)
    private let subject = Incident.Subject(
        rule: "rule", tool: nil, purpose: .scan, treatment: "silence", target: nil, isShadow: false)

    @discardableResult private func join(
        _ key: IncidentKey, _ source: UInt32, before: UInt32 = 0, previous: UInt32 = 0, after: Duration = .zero
    ) -> (number: UInt32, isNew: Bool) {
        table.join(
            key, source: IPAddress(v4: source), before: before, previous: previous, id: UInt64(source),
            now: start + after
        ) { subject }
    }

    @Test("sources with one tool are one incident, others have their own") func keys() {
        let first = join(.tool(NameID("svwar")), 1, before: 3)
        let second = join(.tool(NameID("svwar")), 2, before: 4)
        let other = join(.source(NameID("limit"), IPAddress(v4: 3)), 3)
        #expect(first.isNew && !second.isNew && other.isNew)
        #expect(first.number == second.number && other.number != first.number)
        let incident = table.incidents.first { $0.number == first.number }
        #expect(incident?.sources == 2 && incident?.messagesBefore == 7)
        #expect(incident?.firstSources == [IPAddress(v4: 1), IPAddress(v4: 2)])
    }

    @Test("a source that comes back is no other source") func comingBack() {
        let first = join(.tool(NameID("svwar")), 1)
        join(.tool(NameID("svwar")), 1, previous: first.number)
        #expect(table.incidents[0].sources == 1)
    }

    @Test("every message is counted, with what came after an answer") func counting() {
        let number = join(.tool(NameID("svwar")), 1).number
        table.count(number, messages: 1, answers: 1, afterAnswer: false, rung: 0, now: start + .seconds(1))
        table.count(number, messages: 5, answers: 0, afterAnswer: true, rung: 1, now: start + .seconds(3))
        table.countBan(number)
        let incident = table.incidents[0]
        #expect(incident.messages == 6 && incident.answers == 1 && incident.messagesAfterAnswer == 5)
        #expect(incident.rung == 1 && incident.bans == 1 && incident.duration == .seconds(3))
    }

    @Test("it is open while it lingers, and closed once") func closing() {
        let number = join(.tool(NameID("svwar")), 1).number
        table.count(number, messages: 1, answers: 0, afterAnswer: false, rung: 0, now: start + .seconds(5))
        #expect(table.close(at: start + .seconds(605)).isEmpty)
        #expect(!join(.tool(NameID("svwar")), 2, after: .seconds(605)).isNew)
        #expect(table.close(at: start + .seconds(606)).map(\.number) == [number])
        #expect(table.close(at: start + .seconds(700)).isEmpty)
        #expect(join(.tool(NameID("svwar")), 1, after: .seconds(700)).isNew)
        #expect(table.incidents.count == 2)
    }

    @Test("the newest take the places of the oldest, whose floods count for nobody else") func replacing() {
        let first = join(.source(NameID("limit"), IPAddress(v4: 1)), 1).number
        for source in 2...5 { join(.source(NameID("limit"), IPAddress(v4: UInt32(source))), UInt32(source)) }
        table.count(first, messages: 1, answers: 0, afterAnswer: false, rung: 0, now: start)
        #expect(table.incidents.map(\.id) == [5, 4, 3, 2] && table.incidents.allSatisfy { $0.messages == 0 })
        #expect(table.incident(id: 1) == nil && table.incident(number: first) == nil && table.count == 5)
        #expect(join(.source(NameID("limit"), IPAddress(v4: 1)), 1).isNew)
    }

    @Test("of one rule so many are kept apart, and the sources beyond share one") func bounded() {
        let table = IncidentTable(capacity: 100)
        let rule = NameID("limit")
        let numbers = (1...40).map { source in
            table.join(
                .source(rule, IPAddress(v4: source)), source: IPAddress(v4: source), before: 0, previous: 0,
                id: UInt64(source), now: start
            ) { subject }.number
        }
        #expect(Set(numbers).count == IncidentTable.apart + 1)
        let shared = table.incident(number: numbers[39])
        #expect(shared?.sources == UInt32(40 - IncidentTable.apart))
        #expect(shared?.firstSources.count == Incident.namedSources)
        _ = table.close(at: start + .seconds(601))
        let again = table.join(
            .source(rule, IPAddress(v4: 1)), source: IPAddress(v4: 1), before: 0, previous: 0, id: 99,
            now: start + .seconds(602)
        ) { subject }
        #expect(again.isNew && table.incidents[0].sources == 1)
    }
}

import Policy
import State
import Synchronization

/// Something that an operator wants to read in the log, once for each change and never once for each request.
public enum GuardEvent: Sendable {
    /// The first source of an incident.
    case attackRecognised(id: UInt64, source: IPAddress, rule: String, treatment: String)
    case attackOver(Incident)
    case banned(source: IPAddress, rule: String, until: Instant)
    case banAdded(AddressEntry)
    case banRemoved(String, by: String)
    case sourceForgotten(String)
    case allowAdded(AddressEntry)
    case allowRemoved(String, by: String)
    case policyReloaded(path: String?, rules: Int, signatures: Int)
    case policyRefused(path: String?, problems: [String])
    case ownAddressesChanged([Prefix])
    case nameAllowed(String, by: String)
    case nameResolved(String, [IPAddress])
    case nameNotResolved(String, String)
    case feedLoaded(String, entries: Int, badLines: Int)
    case feedFailed(String, String)
    /// A list of before the start, and how old it is.
    case feedRestored(String, entries: Int, age: Duration)
    case feedNotSaved(String, String)
    case alarmRaised(String, String, String)
    case alarmOver(String, String)
    case stateNotSaved(String)
    case stateSavedAgain
    case decisionLogFailing(String)
    case decisionLogWorking
}

/// Events on their way from the threads that decide to the one that logs; bounded, since an attack makes them.
final class EventQueue: Sendable {
    private struct State {
        var events: [GuardEvent] = []
        var dropped = 0
    }

    private let state = Mutex(State())
    private let limit = 256

    func add(_ event: GuardEvent) {
        state.withLock { state in
            if state.events.count < limit { state.events.append(event) } else { state.dropped += 1 }
        }
    }

    /// Everything since the last time, and how many more there were.
    func drain() -> (events: [GuardEvent], dropped: Int) {
        state.withLock { state in
            defer { state = State() }
            return (state.events, state.dropped)
        }
    }
}

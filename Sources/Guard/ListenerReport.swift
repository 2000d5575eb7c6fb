import RPC

/// A listener as `stats.get` shows it.
public struct ListenerReport: Sendable {
    public let name: String
    public let role: Role
    public let counters: ListenerCounters

    public init(name: String, role: Role, counters: ListenerCounters) {
        (self.name, self.role, self.counters) = (name, role, counters)
    }
}

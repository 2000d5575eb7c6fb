import Policy
import Synchronization

/// The users that sources tried in vain, the newest of each; bounded, since an attack fills it.
public final class TriedUsers: Sendable {
    private struct State {
        var users: [IPAddress: [String]] = [:]
        var order: [IPAddress] = []
        var oldest = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    public init(limit: Int = 1024) { self.limit = limit }

    public func note(_ source: IPAddress, _ user: String) {
        guard user.utf8.count <= 64 else { return }
        state.withLock { state in
            var users = state.users[source] ?? []
            guard users.last != user else { return }
            if users.isEmpty { Self.makeRoom(for: source, in: &state, limit) }
            users.removeAll { $0 == user }
            users.append(user)
            state.users[source] = Array(users.suffix(Honeypot.usersPerSource))
        }
    }

    private static func makeRoom(for source: IPAddress, in state: inout State, _ limit: Int) {
        if state.order.count < limit { return state.order.append(source) }
        state.users[state.order[state.oldest]] = nil
        state.order[state.oldest] = source
        state.oldest = (state.oldest + 1) % limit
    }

    /// What is known of the addresses of a source.
    public func users(of source: Prefix) -> [String] {
        state.withLock { state in
            if source.isSingleAddress { return state.users[source.first] ?? [] }
            return Array(
                state.users.filter { source.contains($0.key) }.flatMap(\.value).suffix(Honeypot.usersPerSource))
        }
    }
}

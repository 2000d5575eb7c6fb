import Glibc
import Guard
import Policy

/// The allow list's names, looked up one after the other with the system's resolver; for one thread.
final class NameTurns {
    private let state: GuardState
    private let isCancelled: () -> Bool
    private let resolve: (String) -> NameAnswer
    private var schedules: [String: RefreshSchedule] = [:]

    init(
        _ state: GuardState, resolve: @escaping (String) -> NameAnswer = NameAnswer.init(of:),
        isCancelled: @escaping () -> Bool = { false }
    ) {
        (self.state, self.resolve, self.isCancelled) = (state, resolve, isCancelled)
    }

    func take() {
        let wanted = state.wantedNames
        let names = Set(wanted.map(\.name))
        schedules = schedules.filter { names.contains($0.key) }
        for name in wanted where !isCancelled() {
            var schedule = schedules[name.name] ?? RefreshSchedule(next: Clock.now)
            guard schedule.isDue(Clock.now) else { continue }
            let (answer, chance) = (resolve(name.name), Double.random(in: 0...1))
            switch answer {
            case .addresses(let addresses):
                state.name(name.name, has: addresses)
                schedule.succeeded(Clock.now, every: name.refresh, chance: chance)
            case .failed(let problem):
                state.name(name.name, failed: problem)
                schedule.failed(Clock.now, every: name.refresh, chance: chance)
            }
            schedules[name.name] = schedule
        }
    }
}

/// What the resolver says of a name.
enum NameAnswer: Equatable {
    /// Sorted, each once; never empty.
    case addresses([IPAddress])
    case failed(String)

    init(of name: String) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, &hints, &list)
        guard code == 0 else {
            self = .failed(String(cString: gai_strerror(code)))
            return
        }
        defer { freeaddrinfo(list) }
        var found: Set<IPAddress> = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ai_addr.flatMap({ OwnAddresses.address($0) }) { found.insert(address) }
            next = entry.pointee.ai_next
        }
        self = found.isEmpty ? .failed("no addresses") : .addresses(found.sorted())
    }
}

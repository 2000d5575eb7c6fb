import Guard
import Policy
import RPC
import Synchronization

/// Something about the actuator that an operator wants to read, once for each change.
public enum ActuatorEvent: Sendable, Equatable {
    case entered(source: Prefix, rule: String)
    case left(source: Prefix)
    case failing(String)
    case workingAgain
    /// No more sources are taken in until some leave.
    case full(Int)
}

/// Has Asterisk itself answer sources with 200 for as long as their treatment says so.
///
/// A thread of its own. It is woken when a treatment begins or a source is forgotten, and looks once a second at those it
/// has taken in: the engine's state is the truth, and whoever is not treated with 200 any more leaves.
public final class Actuator: Sendable {
    /// Times of the actuator; tests make them shorter.
    public struct Timing: Sendable {
        public var look = Duration.seconds(1)
        /// For Asterisk to answer one request.
        public var answer = Duration.seconds(2)
        /// How often Asterisk is asked whether it still has what it was given.
        public var probe = Duration.seconds(30)
        public var firstRetry = Duration.milliseconds(500)
        public var lastRetry = Duration.seconds(30)
        public init() {}
    }

    private let asterisk: AsteriskConfiguration
    private let settings: Honeypot.Settings
    private let state: GuardState
    private let tried: TriedUsers
    private let timing: Timing
    private let worker: Worker
    private let feed: TreatmentFeed
    private let onEvent: @Sendable (ActuatorEvent) -> Void
    private let shouldProbe = Mutex(false)

    public init?(
        account: RESTAccount, settings: Honeypot.Settings, state: GuardState, tried: TriedUsers = TriedUsers(),
        timing: Timing = Timing(), onEvent: @escaping @Sendable (ActuatorEvent) -> Void
    ) {
        guard let worker = Worker(named: "ari-actuator") else { return nil }
        asterisk = AsteriskConfiguration(account: account, timeout: timing.answer)
        (self.settings, self.state, self.tried, self.timing) = (settings, state, tried, timing)
        (self.worker, self.onEvent) = (worker, onEvent)
        feed = state.treatmentFeed { worker.wake() }
    }

    /// Begins to act; 0 or an errno.
    public func start() -> Int32 { worker.start { [self] in run() } }

    /// Takes everything out of Asterisk and ends.
    public func stop() { worker.stop(within: .seconds(5)) }

    /// Says that Asterisk may have begun anew, so that it is asked at once.
    public func asteriskMayHaveRestarted() {
        shouldProbe.withLock { $0 = true }
        worker.wake()
    }

    private func run() {
        var house = House(
            honeypot: Honeypot(settings: settings, endpoint: "sipguardd-" + Self.randomName()), retry: timing.firstRetry
        )
        // What an earlier run left behind goes first.
        bringAbout(&house)
        while !worker.isStopping {
            worker.sleep(until: house.nextLook(timing))
            take(feed.drain(), &house)
            lookAfterGuests(&house)
            probe(&house)
            if !worker.isStopping { bringAbout(&house) }
        }
        house.honeypot.removeAll()
        house.retryAt = nil
        bringAbout(&house)
    }

    private static func randomName() -> String {
        let number = UInt64.random(in: .min ... .max)
        let hex = String(number, radix: 16)
        return String(repeating: "0", count: 16 - hex.count) + hex
    }

    private func take(_ news: (changes: [TreatmentChange], missed: Int), _ house: inout House) {
        for case .began(let source, let user) in news.changes {
            guard let held = state.heldTreatment(of: source), held.verdict == .ok200 else { continue }
            let isNew = !house.honeypot.sources.contains(held.source)
            if house.honeypot.admit(held.source, users: tried.users(of: held.source) + [user].compactMap { $0 }) {
                if isNew { onEvent(.entered(source: held.source, rule: held.rule)) }
            } else if house.honeypot.isFull, !house.saidFull {
                house.saidFull = true
                onEvent(.full(settings.mostSources))
            }
        }
    }

    private func lookAfterGuests(_ house: inout House) {
        for source in house.honeypot.sources where state.heldTreatment(of: source.first)?.verdict != .ok200 {
            house.honeypot.remove(source)
            house.saidFull = false
            onEvent(.left(source: source))
        }
    }

    /// Asks whether Asterisk still has what it was given.
    private func probe(_ house: inout House) {
        let isAsked = shouldProbe.withLock { asked in
            defer { asked = false }
            return asked
        }
        guard isAsked || house.lastProbe + timing.probe <= .now else { return }
        house.lastProbe = .now
        // After a restart of Asterisk a failure waits no longer.
        if isAsked { house.retryAt = nil }
        guard let question = house.honeypot.probe else { return }
        do throws(AsteriskConfiguration.Failure) {
            if try !asterisk.send(question) { house.honeypot.forgetWhatWasTaken() }
        } catch {
            house.honeypot.forgetWhatWasTaken()
        }
    }

    /// Makes Asterisk's configuration as it is to be. After a failure nothing is known, so all is done again later.
    private func bringAbout(_ house: inout House) {
        guard house.retryAt.map({ $0 <= .now }) ?? true else { return }
        let steps = house.honeypot.steps
        guard !steps.isEmpty else { return }
        do throws(AsteriskConfiguration.Failure) {
            for step in steps { try asterisk.send(step) }
            house.honeypot.stepsWereTaken()
            if house.isFailing { onEvent(.workingAgain) }
            (house.isFailing, house.retryAt, house.retry) = (false, nil, timing.firstRetry)
        } catch {
            house.honeypot.forgetWhatWasTaken()
            if !house.isFailing { onEvent(.failing("\(error)")) }
            (house.isFailing, house.retryAt) = (true, .now + house.retry)
            house.retry = min(house.retry * 2, timing.lastRetry)
        }
    }
}

/// What the actuator's thread keeps.
private struct House {
    var honeypot: Honeypot
    var retry: Duration
    var retryAt: ContinuousClock.Instant?
    var isFailing = false
    var saidFull = false
    var lastProbe = ContinuousClock.now

    init(honeypot: Honeypot, retry: Duration) { (self.honeypot, self.retry) = (honeypot, retry) }

    func nextLook(_ timing: Actuator.Timing) -> ContinuousClock.Instant {
        let regular = ContinuousClock.now + (honeypot.isEmpty ? timing.probe : timing.look)
        return retryAt.map { min($0, regular) } ?? regular
    }
}

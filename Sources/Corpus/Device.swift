import Policy
import Repeatable

/// One message on its way, and what its sender knows of it.
struct Message {
    let bytes: [UInt8]
    let source: IPAddress
    let transport: Transport
    let credentials: Credentials
    let isAttack: Bool
    /// How often it was sent before.
    var transmission = 0
    /// Whether it is sent again if nothing comes back.
    var isRepeatable = false
    /// Whether it can come to nothing, and its sender may be kept waiting for that.
    var isVain = false
}

/// A sender as a value: it says what it sends next, is told what came of it, and says when it wants to go on.
struct Device {
    let actor: Actor
    private let number: Int
    private let place: Place
    private var random: SeededRandom
    private var words: Words
    private var source = IPAddress(value: 0)
    private var exchange = 0
    private var step = 0
    private var messages = 0
    private var isRetry = false
    private var began = Instant.never
    private var nonceAt: Instant?
    private var lastHeard: Instant?
    private var credentials = Credentials.none
    private var registration: Identity?
    /// What was sent last and may be sent again.
    private var pending: Message?

    /// The pause of a phone between a challenge and its request with credentials.
    private static let roundTrip = Duration.milliseconds(20)
    /// How often a request is sent until Timer F ends it, 32 s after the first.
    private static let transmissions = 10

    init(_ actor: Actor, number: Int, place: Place, random: SeededRandom) {
        (self.actor, self.number, self.place, self.random) = (actor, number, place, random)
        words = Words(place: place, port: actor.port)
        words.set("device", Identity(&self.random))
        words["host"] = String(2 + number % 250)
    }

    /// When it sends its first message, if the scenario begins at `instant`.
    mutating func start(after instant: Instant) -> Instant {
        let spread = Int64.random(in: 0...actor.schedule.spread.microseconds, using: &random)
        return instant + actor.schedule.start + .microseconds(spread)
    }

    mutating func send(at now: Instant) -> Message {
        if let pending { return pending }
        if step == 0, !isRetry { beginExchange(now) }
        if !isRetry { beginStep() }
        credentials = credentials(at: now)
        choose(.message, messages)
        messages += 1
        words.prepare(actor, actor.steps[step], credentials, source, &random)
        return Message(
            bytes: words.message(actor, &random), source: source, transport: actor.transport, credentials: credentials,
            isAttack: actor.isAttacker, isRepeatable: actor.retransmits, isVain: actor.mayWait && password != .right)
    }

    /// The message again, if nothing came back and it is not given up; when.
    private mutating func again(_ message: Message, _ now: Instant) -> Instant? {
        pending = nil
        guard message.isRepeatable else { return nil }
        var next = message
        next.transmission += 1
        next.isRepeatable = next.transmission < Self.transmissions
        pending = next
        // T1, doubled up to T2 (RFC 3261 section 17.1.2.2).
        return now + .milliseconds(min(500 << message.transmission, 4000))
    }

    /// What came of the message: when it goes on, or nil if it does not.
    mutating func hear(_ reply: Reply, of message: Message, at now: Instant) -> Instant? {
        if case .silence = reply {} else { lastHeard = now }
        if hasEnough(reply, now) { return nil }
        pending = nil
        if case .silence = reply, let next = again(message, now) { return next }
        if case .passed(.challenge) = reply {
            nonceAt = now
            if !isRetry || credentials == .stale, credentials == .none || credentials == .stale, password != .none {
                isRetry = true
                return now + Self.roundTrip
            }
        }
        isRetry = false
        return nextStep(after: reply, now) ?? nextExchange(now)
    }

    private func hasEnough(_ reply: Reply, _ now: Instant) -> Bool {
        if actor.reaction.stops(at: reply) { return true }
        guard let lastHeard else { return actor.reaction.waits }
        return actor.reaction.patience.map { now - lastHeard > $0 } ?? false
    }

    /// The next step of this exchange; what belongs to a dialog is left out where none was made.
    private mutating func nextStep(after reply: Reply, _ now: Instant) -> Instant? {
        step += 1
        var isAccepted = false
        if case .passed(.accepted) = reply { isAccepted = true }
        while step < actor.steps.count, actor.steps[step].isInDialog, !isAccepted { step += 1 }
        return step < actor.steps.count ? now + actor.steps[step].after : nil
    }

    private mutating func nextExchange(_ now: Instant) -> Instant? {
        let schedule = actor.schedule
        exchange += 1
        step = 0
        guard exchange < schedule.count else { return nil }
        let most = schedule.every.microseconds * Int64(schedule.jitter) / 100
        let jitter = Duration.microseconds(Int64.random(in: -most...most, using: &random))
        return max(began + schedule.every + jitter, now + .milliseconds(1))
    }

    private mutating func beginExchange(_ now: Instant) {
        began = now
        words["n"] = String(exchange)
        if exchange == 0 { choose(.device, number) }
        choose(.exchange, number + exchange)
        words["user"] = actor.accounts.isEmpty ? pick(actor.tries) : actor.accounts[number % actor.accounts.count]
        if exchange == 0 { draw(actor.deviceValues) }
        draw(actor.exchangeValues)
        words["dialled"] = pick(actor.dials)
    }

    /// Every request outside a dialog has a new Call-ID and tag, but registrations keep their Call-ID.
    private mutating func beginStep() {
        guard !actor.steps[step].isInDialog else { return }
        words.set("tag", Identity(&random))
        if registration == nil || (actor.callEach != .device && step == 0) { registration = Identity(&random) }
        words.set("call", actor.steps[step].method == "REGISTER" ? registration! : Identity(&random))
    }

    private mutating func choose(_ lifetime: Lifetime, _ number: Int) {
        guard actor.origin.each == lifetime else { return }
        source = place.address(actor.origin.address(number, &random))
    }

    private mutating func draw(_ values: [(name: String, form: Template)]) {
        for value in values { words[value.name] = words.text(value.form, &random) }
    }

    /// The one of these for this exchange: many devices share them out.
    private mutating func pick(_ forms: [Template]) -> String {
        guard !forms.isEmpty else { return "" }
        return words.text(forms[(number + exchange * actor.devices) % forms.count], &random)
    }

    private var password: Actor.Password {
        if let password = actor.steps[step].password { return password }
        if exchange < actor.rightAtFirst { return .right }
        return exchange < actor.rightAtFirst + actor.wrongAtFirst ? .wrong : actor.password
    }

    private func credentials(at now: Instant) -> Credentials {
        guard password != .none, !actor.steps[step].isInDialog, let nonceAt, isRetry || actor.keepsNonce else {
            return .none
        }
        if now - nonceAt > Registrar.nonceLife { return .stale }
        return password == .right ? .right : .wrong
    }
}

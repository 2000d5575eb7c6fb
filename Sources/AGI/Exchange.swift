#if !ONE_MODULE
    import Policy
#endif

/// One call's exchange with Asterisk as a value: bytes go in, what to do next comes out; it waits for nothing.
///
/// First the environment, which is ignored but for its second line: facts of the dialplan's own may stand there, and are
/// decided about at once. If not, then one question for them when the environment is over. Then one command that tells the
/// decision. Never two commands at once: Asterisk does not see a second one that is already in its buffer.
public struct Exchange: Sendable {
    /// What to do next.
    public enum Action: Equatable, Sendable {
        /// Wait for more bytes.
        case receive
        /// Send this, then wait for more bytes.
        case send([UInt8])
        /// Send this and then nothing more, so that Asterisk need not wait for the connection's end; wait for more bytes.
        case sendLast([UInt8])
        /// The same, but what comes until Asterisk closes changes nothing any more, so nobody need wake for it.
        case sendUntilClosed([UInt8])
        /// Decide about this, then say so to `decided`.
        case decide(CalledRequest)
        case end(Ending)
    }

    /// How an exchange ended; in all cases but the first the dialplan sees no verdict and goes on.
    public enum Ending: String, CaseIterable, Sendable {
        /// Everything was told.
        case answered
        /// The caller hung up meanwhile.
        case hungUp = "hung_up"
        /// Asterisk closed before the end.
        case closedEarly = "closed_early"
        /// A deadline passed.
        case timedOut = "timed_out"
        /// What came was not understood.
        case odd
        /// What came was too long.
        case tooLong = "too_long"
    }

    /// Bounds of what is read.
    public struct Limits: Sendable {
        /// Asterisk's functions give at most 4095 bytes each, percent-encoded as they are.
        public var line = 40 << 10
        /// All that comes before the facts.
        public var total = 128 << 10

        public init() {}
    }

    private enum Phase: Equatable {
        case environment, facts, deciding, telling
        /// The decision is told, while Asterisk still writes the environment.
        case environmentBesideTelling
        /// The same after it. No answer has shown that it is over: what ends it may be forged.
        case tellingUntilClosed
        case ended(Ending)
    }

    private var phase = Phase.environment
    private var lines: LineBuffer
    private var environment = Environment()
    private var environmentLines = 0
    private var isCarried = false
    private var confirmations = 0
    /// What was decided about.
    public private(set) var request: CalledRequest?
    private let facts: Facts
    private let nonce: @Sendable () -> [UInt8]
    private var query: FactsQuery?
    private var room: Int
    private var strayLines = 0
    private var isHungUp = false
    private var isUsageText = false

    /// - Parameter nonce: made where there must be a question.
    public init(nonce: @autoclosure @escaping @Sendable () -> [UInt8], facts: Facts, limits: Limits = Limits()) {
        (self.nonce, self.facts) = (nonce, facts)
        lines = LineBuffer(longest: limits.line)
        room = limits.total
    }

    /// Lines that Asterisk cannot have written: an attempt to forge its answers. Only known for sure once the facts came.
    public var forgedLines: Int { environment.forgedLines + strayLines + max(0, confirmations - 1) }

    /// Takes what came.
    public mutating func received(_ bytes: UnsafeRawBufferPointer) -> Action {
        if case .ended(let ending) = phase { return .end(ending) }
        room -= bytes.count
        guard room >= 0 else { return end(.tooLong) }
        lines.append(bytes)
        while true {
            switch lines.next() {
            case .incomplete: return .receive
            case .tooLong: return end(.tooLong)
            case .line(let range):
                if let action = read(range) { return action }
            }
        }
    }

    /// Takes the decision that was asked for.
    public mutating func decided(_ variables: ChannelVariables) -> Action {
        guard phase == .deciding else { return end(.odd) }
        if isHungUp { return end(.hungUp) }
        phase = isCarried ? .environmentBesideTelling : .telling
        return isCarried ? .sendUntilClosed(variables.command) : .sendLast(variables.command)
    }

    /// Asterisk has closed.
    public mutating func closed() -> Ending {
        readTheRest()
        return finish(otherwise: isUsageText ? .odd : .closedEarly)
    }

    /// A deadline has passed.
    public mutating func timedOut() -> Ending {
        readTheRest()
        return finish(otherwise: .timedOut)
    }

    /// Lines that came together with those that were decided about.
    private mutating func readTheRest() {
        guard phase == .environmentBesideTelling || phase == .tellingUntilClosed else { return }
        _ = received(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    private mutating func finish(otherwise ending: Ending) -> Ending {
        finish(confirmations > 0 ? .answered : isHungUp ? .hungUp : ending)
    }

    private mutating func finish(_ ending: Ending) -> Ending {
        if case .ended(let before) = phase { return before }
        phase = .ended(ending)
        return ending
    }

    private mutating func end(_ ending: Ending) -> Action { .end(finish(ending)) }

    /// Nil: on to the next line.
    private mutating func read(_ range: Range<Int>) -> Action? {
        switch phase {
        case .environment, .environmentBesideTelling: readEnvironment(range)
        case .facts: readFacts(range)
        case .deciding: nil
        case .telling: readConfirmation(range)
        case .tellingUntilClosed: readUntilClosed(range)
        case .ended(let ending): .end(ending)
        }
    }

    private mutating func readEnvironment(_ range: Range<Int>) -> Action? {
        if range.isEmpty { return endEnvironment() }
        environmentLines += 1
        lines.withBytes(range) { line in
            environment.read(line)
            if environmentLines == 2 { request = FactsInAddress.request(from: line) }
        }
        guard environmentLines == 2, let request else { return nil }
        isCarried = true
        return decide(request)
    }

    private mutating func endEnvironment() -> Action? {
        if isCarried {
            phase = .tellingUntilClosed
            return nil
        }
        let query = FactsQuery(nonce: nonce(), facts: facts)
        (self.query, phase) = (query, .facts)
        return .send(query.command)
    }

    private mutating func decide(_ request: CalledRequest) -> Action {
        var request = request
        if forgedLines > 0 { request.isForged = true }
        self.request = request
        phase = .deciding
        return .decide(request)
    }

    /// Whatever comes before the answer may be forged, `HANGUP` and error lines as well: it is counted and nothing more.
    private mutating func readFacts(_ range: Range<Int>) -> Action? {
        let (isAnswer, isHangup) = lines.withBytes(range) { (query?.isAnswer($0) == true, $0.isHangup) }
        guard isAnswer else {
            if isHangup { isHungUp = true } else { strayLines += 1 }
            return nil
        }
        isHungUp = false
        guard let request = lines.withBytes(range, { query?.request(from: $0) }) else { return end(.odd) }
        return decide(request)
    }

    /// From here on only Asterisk itself speaks: what callers could smuggle in came before the facts.
    private mutating func readConfirmation(_ range: Range<Int>) -> Action? {
        switch lines.withBytes(range, Confirmation.init) {
        case .hangup: return end(.hungUp)
        case .usageBegins:
            isUsageText = true
            return nil
        case .usageEnds: return end(.odd)
        case .other where isUsageText: return nil
        case .done where isUsageText: return nil
        case .other: return end(.odd)
        case .done: return end(.answered)
        }
    }

    /// Nothing that comes here can end the exchange: closing before Asterisk has read the command would take it back.
    private mutating func readUntilClosed(_ range: Range<Int>) -> Action? {
        let (confirmation, isEnvironment) = lines.withBytes(range) { (Confirmation($0), $0.hasPrefix("agi_")) }
        switch confirmation {
        case .done: confirmations += 1
        case .hangup: isHungUp = true
        case .usageBegins, .usageEnds: isUsageText = true
        case .other: if !isUsageText || isEnvironment { strayLines += 1 }
        }
        return nil
    }
}

/// A line of Asterisk after a command.
private enum Confirmation {
    case done
    case hangup
    /// `520-` begins a text of several lines, which `520 ` ends.
    case usageBegins, usageEnds
    case other

    init(_ line: Bytes) {
        if line.isHangup || line.hasPrefix("511 ") {
            // 511: not on a channel that has been hung up.
            self = .hangup
        } else if line.hasPrefix("200 result=") {
            self = .done
        } else if line.hasPrefix("520-") {
            self = .usageBegins
        } else if line.hasPrefix("520 ") {
            self = .usageEnds
        } else {
            self = .other
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate var isHangup: Bool { count == 6 && hasPrefix("HANGUP") }
}

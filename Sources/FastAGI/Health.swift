import AGI

/// Tells changes from repetitions, so that the log has one line for each change.
struct Health {
    enum Change: Equatable {
        case failing(Exchange.Ending)
        case recovered
    }

    private var isFailing = false
    private var answeredInARow = 0

    /// Exchanges in a row that count as recovery.
    static let recovery = 16

    /// What an ending changes. A caller who hangs up, or a peer who merely looks whether somebody listens, changes nothing.
    mutating func note(_ ending: Exchange.Ending) -> Change? {
        switch ending {
        case .hungUp, .closedEarly: return nil
        case .timedOut, .odd, .tooLong:
            answeredInARow = 0
            defer { isFailing = true }
            return isFailing ? nil : .failing(ending)
        case .answered:
            guard isFailing else { return nil }
            answeredInARow += 1
            guard answeredInARow >= Self.recovery else { return nil }
            (isFailing, answeredInARow) = (false, 0)
            return .recovered
        }
    }
}

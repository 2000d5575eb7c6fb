import Policy

/// What a device hears of its message.
enum Reply: Sendable {
    case silence, disarm, ok200, reject
    /// The guard let it pass, and the far side said this.
    case passed(Registrar.Answer)

    init(_ answer: Answer) {
        switch answer {
        case .pass: self = .passed(.accepted)
        case .drop: self = .silence
        case .disarm200: self = .disarm
        case .plain200: self = .ok200
        case .reject: self = .reject
        }
    }
}

/// What ends a sender; docs/policy.md tells what was measured of the tools.
struct Reaction: Sendable {
    var stopsAtDisarm = false
    var stopsAtOK = false
    var stopsAtReject = false
    /// How long it goes on without an answer; nil: for good.
    var patience: Duration?
    /// Whether it sends nothing before its first message was answered.
    var waits = false

    /// Nothing stops it.
    static let never = Reaction()

    func stops(at reply: Reply) -> Bool {
        switch reply {
        case .disarm: stopsAtDisarm
        case .ok200: stopsAtOK
        case .reject: stopsAtReject
        case .silence, .passed: false
        }
    }
}

import Guard
import Kamailio
import Logging
import RPC

/// How to run, against the policy, which says what to decide.
public struct Configuration: Sendable, Equatable {
    public var listeners: [ListenerConfiguration] = Self.defaultListeners
    /// The policy file; nil for the built-in policy.
    public var policyPath: String?
    /// Where bans and the run-time allow list outlive a restart; nil: they do not.
    public var stateFile: String?
    /// Bytes of the tables, at most.
    public var memory = GuardState.defaultMemory
    public var logLevel = Logger.Level.info
    public var logFormat = LogFormat.automatic
    public var asterisk = Asterisk()
    /// Where Kamailio takes bans; nil: they are not pushed.
    public var kamailio: KamailioTable?
    public var alarms = AlarmSettings()
    /// Where decisions are written down; nil: nowhere.
    public var decisionLog: DecisionLog.Settings?

    public init() {}

    static let defaultListeners = [
        ListenerConfiguration(
            name: "ask", endpoint: .unix(.init(path: "/run/sipguardd/ask.sock", mode: 0o660)), role: .ask),
        ListenerConfiguration(
            name: "admin", endpoint: .unix(.init(path: "/run/sipguardd/admin.sock", mode: 0o600)), role: .admin),
    ]

    public static let memoryBounds = (1 << 20)...(64 << 30)
}

extension Logger.Level {
    static let words = Logger.Level.allCases.map { ($0.rawValue, $0) }
}

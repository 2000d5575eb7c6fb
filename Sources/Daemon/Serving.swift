import FastAGI
import Guard
import JSON
import Logging
import PolicyFile
import RPC
import ServiceLifecycle
import UnixSignals

/// Why the daemon does not start, and with which code of sysexits.h it says so.
public enum StartFailure: Error, CustomStringConvertible {
    case configuration(FileProblems)
    case listener(ListenerError)

    public var exitCode: Int32 {
        switch self {
        case .configuration: 78  // EX_CONFIG
        case .listener(.system): 71  // EX_OSERR
        case .listener: 73  // EX_CANTCREAT
        }
    }

    public var description: String {
        switch self {
        case .configuration(let problems): problems.description
        case .listener(let error): error.description
        }
    }
}

/// Reads what the configuration names, without opening anything.
public func loadPolicy(of configuration: Configuration) throws(StartFailure) -> LoadedPolicy {
    do throws(FileProblems) {
        guard let path = configuration.policyPath else {
            return LoadedPolicy(document: .builtIn, path: nil, loadedAt: Clock.now)
        }
        return LoadedPolicy(document: try PolicyDocument.load(path: path), path: path, loadedAt: Clock.now)
    } catch {
        throw .configuration(error)
    }
}

/// Runs the daemon until a signal ends it.
public func serve(_ configuration: Configuration, policy: LoadedPolicy, logger: Logger, output: LogOutput) async throws
{
    let stateFile = configuration.stateFile.map(StateFile.init)
    let decisionLog = configuration.decisionLog.map(DecisionLog.init)
    let state = GuardState(
        policy: policy, memory: configuration.memory, version: version, stateFile: stateFile, decisionLog: decisionLog)
    state.addErrorCount("log_lines_lost") { output.failureCount }
    restore(state, logger)
    for warning in policy.document.warnings { logger.warning("policy", metadata: ["warning": "\(warning)"]) }
    let service = GuardService(state: state)
    var listeners: [SocketListener] = []
    for listener in configuration.listeners {
        do throws(ListenerError) {
            listeners.append(
                try open(listener, state, service) { [name = listener.name] in logger.log($0, listener: name) })
        } catch {
            for opened in listeners { opened.stop() }
            throw StartFailure.listener(error)
        }
    }
    for listener in listeners {
        state.addListener {
            ListenerReport(
                name: listener.configuration.name, role: listener.configuration.role, counters: listener.counters)
        }
    }
    let asterisk = AsteriskService(configuration.asterisk, state: state, logger: logger)
    let kamailio = KamailioService(configuration.kamailio, state: state, logger: logger)
    state.setAlarms(configuration.alarms)
    let services: [(any Service)?] = [
        // First, and so ended last.
        DecisionLogService(decisionLog, logger: logger), MaintenanceService(state: state, logger: logger),
        ReloadService(state: state), asterisk, kamailio,
        LookupService(state: state, stateFile: configuration.stateFile, logger: logger),
        ListenerService(listeners: listeners, logger: logger),
        WatchdogService(configuration.listeners, logger: logger),
    ]
    let group = ServiceGroup(
        configuration: .init(
            services: services.compactMap { $0.map { .init(service: $0) } },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await group.run()
    state.maintain()
    EventLog.write(state, to: logger)
}

/// Opens a listener for what it speaks.
private func open(
    _ listener: ListenerConfiguration, _ state: GuardState, _ service: GuardService,
    _ onEvent: @escaping @Sendable (ListenerEvent) -> Void
) throws(ListenerError) -> SocketListener {
    if listener.wireProtocol == .fastAGI {
        return try SocketListener(fastAGI: listener, state: state, onEvent: onEvent)
    }
    return try SocketListener(listener, service: service, onEvent: onEvent)
}

/// A state file that cannot be read is a loss of bans, not of the service.
private func restore(_ state: GuardState, _ logger: Logger) {
    do throws(StateFileProblem) {
        let (bans, allowed) = try state.restore()
        if bans + allowed > 0 {
            logger.notice("state restored", metadata: ["bans": "\(bans)", "allowed": "\(allowed)"])
        }
    } catch {
        logger.error("saved state cannot be used, starting without it", metadata: ["problem": "\(error)"])
    }
}

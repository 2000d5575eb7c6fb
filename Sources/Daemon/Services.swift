import Guard
import Logging
import PolicyFile
import RPC
import ServiceLifecycle
import UnixSignals

/// Serves the listeners until the daemon is to end; then answers what has been received.
struct ListenerService: Service {
    let listeners: [SocketListener]
    let logger: Logger

    func run() async throws {
        for listener in listeners { try listener.start() }
        for listener in listeners {
            logger.info(
                "listening",
                metadata: ["listener": "\(listener.configuration.name)", "role": "\(listener.configuration.role)"])
        }
        ServiceNotification.ready.send()
        logger.notice("ready")
        try? await gracefulShutdown()
        ServiceNotification.stopping.send()
        logger.notice("stopping")
        // Each waits for its connections, which are other threads; no request is served on this one.
        for listener in listeners { listener.stop() }
    }
}

/// Reads the policy again when asked by SIGHUP.
struct ReloadService: Service {
    let state: GuardState

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            ServiceNotification.reloading()
            // What is wrong with the policy is logged with the state's other events.
            try? state.reload()
            ServiceNotification.ready.send()
        }
    }
}

/// Once a second: what no request should do, and the log of what requests began.
struct MaintenanceService: Service {
    let state: GuardState
    let logger: Logger

    func run() async throws {
        var turn = 0
        while !Task.isShuttingDownGracefully && !Task.isCancelled {
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(1)) }
            turn += 1
            if turn.isMultiple(of: 60) { state.refreshOwnAddresses() }
            state.maintain()
            EventLog.write(state, to: logger)
        }
    }
}

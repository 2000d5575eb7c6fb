import Guard
import Logging
import RPC

/// Turns events into log lines: fixed sentences with the facts as metadata.
enum EventLog {
    static func write(_ state: GuardState, to logger: Logger) {
        let (events, dropped) = state.drainEvents()
        for event in events { write(event, to: logger) }
        if dropped > 0 { logger.warning("more events than could be logged", metadata: ["count": "\(dropped)"]) }
    }

    static func write(_ event: GuardEvent, to logger: Logger) {
        switch event {
        case .attackRecognised(let id, let source, let rule, let treatment):
            logger.notice(
                "attack recognised",
                metadata: [
                    "incident": "\(id.hexadecimal)", "source.address": "\(source)", "rule": "\(rule)",
                    "treatment": "\(treatment)",
                ])
        case .attackOver(let incident):
            logger.notice(
                "attack over",
                metadata: [
                    "incident": "\(incident.id.hexadecimal)", "rule": "\(incident.subject.rule)",
                    "sources": "\(incident.sources)", "messages": "\(incident.messages)",
                    "answers": "\(incident.answers)", "messages_after_answer": "\(incident.messagesAfterAnswer)",
                    "seconds": "\(incident.duration.secondsRoundedUp)",
                ])
        case .banned(let source, let rule, let until):
            logger.notice(
                "source banned",
                metadata: ["source.address": "\(source)", "rule": "\(rule)", "until": "\(Clock.text(of: until))"])
        case .banAdded(let entry):
            logger.notice("ban added", metadata: ["source.prefix": "\(entry.prefix)", "by": "\(entry.by)"])
        case .banRemoved(let prefix, let by):
            logger.notice("ban removed", metadata: ["source.prefix": "\(prefix)", "by": "\(by)"])
        case .sourceForgotten(let source):
            logger.notice("source forgotten", metadata: ["source.address": "\(source)"])
        case .allowAdded(let entry):
            logger.notice(
                "allow list entry added", metadata: ["source.prefix": "\(entry.prefix)", "by": "\(entry.by)"])
        case .allowRemoved(let prefix, let by):
            logger.notice("allow list entry removed", metadata: ["source.prefix": "\(prefix)", "by": "\(by)"])
        case .policyReloaded(let path, let rules, let signatures):
            logger.notice(
                "policy reloaded",
                metadata: ["policy": "\(path ?? "built-in")", "rules": "\(rules)", "signatures": "\(signatures)"])
        case .policyRefused(_, let problems):
            for problem in problems.prefix(20) {
                logger.error("policy has a mistake, the old one stays", metadata: ["problem": "\(problem)"])
            }
        case .ownAddressesChanged(let own):
            let addresses = own.map(\.description).joined(separator: ",")
            logger.notice("own addresses changed", metadata: ["addresses": "\(addresses)"])
        case .nameAllowed(let name, let by):
            logger.notice("allow list entry added", metadata: ["source.name": "\(name)", "by": "\(by)"])
        case .nameResolved(let name, let addresses):
            let addresses = addresses.map(\.description).joined(separator: ",")
            logger.notice("allowed name resolved", metadata: ["source.name": "\(name)", "addresses": "\(addresses)"])
        case .nameNotResolved(let name, let problem):
            logger.warning(
                "allowed name does not resolve, its last addresses stay",
                metadata: ["source.name": "\(name)", "problem": "\(problem)"])
        case .feedLoaded(let name, let entries, let badLines):
            logger.notice(
                "feed loaded", metadata: ["feed": "\(name)", "entries": "\(entries)", "bad_lines": "\(badLines)"])
        case .feedFailed(let name, let problem):
            logger.warning(
                "feed cannot be read, its old list stays", metadata: ["feed": "\(name)", "problem": "\(problem)"])
        case .feedRestored(let name, let entries, let age):
            logger.notice(
                "feed restored",
                metadata: ["feed": "\(name)", "entries": "\(entries)", "age_seconds": "\(age.components.seconds)"])
        case .feedNotSaved(let name, let problem):
            logger.warning(
                "feed cannot be kept for the next start", metadata: ["feed": "\(name)", "problem": "\(problem)"])
        case .alarmRaised(let name, let subject, let problem):
            logger.warning(
                "alarm", metadata: ["alarm": "\(name)", "subject": "\(subject)", "problem": "\(problem)"])
        case .alarmOver(let name, let subject):
            logger.notice("alarm is over", metadata: ["alarm": "\(name)", "subject": "\(subject)"])
        case .stateNotSaved(let problem): logger.error("state cannot be saved", metadata: ["problem": "\(problem)"])
        case .stateSavedAgain: logger.notice("state is saved again")
        case .decisionLogFailing(let problem):
            logger.error("decisions cannot be logged", metadata: ["problem": "\(problem)"])
        case .decisionLogWorking: logger.notice("decisions are logged again")
        }
    }
}

extension Logger {
    /// What a listener has to say.
    func log(_ event: ListenerEvent, listener: String) {
        switch event {
        case .acceptFailing(let code):
            warning("connections cannot be taken", metadata: ["listener": "\(listener)", "errno": "\(code)"])
        case .acceptRecovered: notice("connections are taken again", metadata: ["listener": "\(listener)"])
        case .full(let count):
            warning("too many connections", metadata: ["listener": "\(listener)", "connections": "\(count)"])
        case .roomAgain: notice("there is room for connections again", metadata: ["listener": "\(listener)"])
        case .threadFailed(let code):
            warning("a connection got no thread", metadata: ["listener": "\(listener)", "errno": "\(code)"])
        case .exchangesFailing(let ending):
            warning("questions end without an answer", metadata: ["listener": "\(listener)", "ending": "\(ending)"])
        case .exchangesRecovered: notice("questions are answered again", metadata: ["listener": "\(listener)"])
        case .slowPeer:
            notice("a peer did not read its replies and was disconnected", metadata: ["listener": "\(listener)"])
        }
    }
}

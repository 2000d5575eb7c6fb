/// What a listener has to say to a log; each only when something changes.
public enum ListenerEvent: Sendable, Equatable {
    /// accept(2) began to fail; it is tried again ten times a second.
    case acceptFailing(errno: Int32)
    case acceptRecovered
    /// The first connection was turned away because too many are open.
    case full(connections: Int)
    /// A connection found room again.
    case roomAgain
    /// No thread could be made for a connection.
    case threadFailed(errno: Int32)
    /// A connection was closed because its peer did not read its replies.
    case slowPeer(Caller.Peer)
    /// Exchanges of another protocol began to end without an answer being told; why the first one did.
    case exchangesFailing(String)
    case exchangesRecovered
}

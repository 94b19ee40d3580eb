package import NetworkTypes
internal import Synchronization

/// ``ConnectionAdmission`` of all loops of a server. Any thread.
package final class SharedAdmission: Sendable {
    private let state: Mutex<ConnectionAdmission>

    package init(_ limits: ConnectionAdmission.Limits) { state = Mutex(ConnectionAdmission(limits)) }

    package func hasRoom(isLocal: Bool) -> Bool { state.withLock { $0.hasRoom(isLocal: isLocal) } }

    /// - Parameter peer: nil for a unix socket.
    package func admit(_ peer: IPAddress?) -> ConnectionAdmission.Decision { state.withLock { $0.admit(peer) } }

    package func leave(_ peer: IPAddress?) { state.withLock { $0.leave(peer) } }
}

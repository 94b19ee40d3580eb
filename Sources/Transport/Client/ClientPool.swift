internal import Synchronization

/// A client's idle connections, the most recently used first.
final class ClientPool: Sendable {
    private struct State: Sendable {
        var idle: [ClientConnection] = []
        var isShutDown = false
    }

    /// Shorter than what servers usually allow, so that we rarely meet a connection that is just being closed.
    let idleTimeout: Duration
    private let maximumIdle: Int
    private let state = Mutex(State())

    init(idleTimeout: Duration = .seconds(55), maximumIdle: Int = 32) {
        self.idleTimeout = idleTimeout
        self.maximumIdle = maximumIdle
    }

    /// Throws `.shutDown` when the client was shut down; nil means that a new connection is needed.
    func take() throws(TransportError) -> ClientConnection? {
        let (isShutDown, connection) = state.withLock { state in
            (state.isShutDown, state.isShutDown ? nil : state.idle.popLast())
        }
        if isShutDown { throw TransportError(.shutDown, "the client was shut down") }
        return connection
    }

    func release(_ connection: ClientConnection) {
        let isKept = state.withLock { state in
            guard !state.isShutDown, state.idle.count < maximumIdle else { return false }
            state.idle.append(connection)
            return true
        }
        if !isKept { connection.loop.execute { connection.closeIfIdle() } }
    }

    func remove(_ connection: ClientConnection) {
        state.withLock { state in state.idle.removeAll { $0 === connection } }
    }

    func shutdown() {
        let idle = state.withLock { state in
            state.isShutDown = true
            defer { state.idle = [] }
            return state.idle
        }
        for connection in idle { connection.loop.execute { connection.closeIfIdle() } }
    }
}

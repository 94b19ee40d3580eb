internal import Synchronization

/// The way to a server that has left HTTP (101): what is sent goes to it as it is. What comes from it is the body of the
/// response. Callable from any thread; sends by one thread keep their order. Dropped, it closes the connection.
package final class ClientUpgrade: Sendable {
    private struct State: Sendable {
        var pending = 0
        var isClosed = false
        var onClose: [@Sendable () -> Void] = []
        /// Who waits until no more than so many bytes are pending.
        var roomWaiter: (limit: Int, body: @Sendable () -> Void)?

        mutating func takeRoomWaiter() -> (@Sendable () -> Void)? {
            guard let waiter = roomWaiter, pending <= waiter.limit || isClosed else { return nil }
            roomWaiter = nil
            return waiter.body
        }
    }

    /// What the connection shares with its user, whose end closes it.
    final class Account: Sendable {
        private let state = Mutex(State())

        var pendingBytes: Int { state.withLock { $0.pending } }

        /// False when the connection is closed.
        func add(_ bytes: Int) -> Bool {
            state.withLock { state in
                guard !state.isClosed else { return false }
                state.pending += bytes
                return true
            }
        }

        func wasSent(_ bytes: Int) {
            state.withLock { state in
                state.pending -= bytes
                return state.takeRoomWaiter()
            }?()
        }

        func wait(below limit: Int, _ body: @escaping @Sendable () -> Void) {
            state.withLock { state in
                state.roomWaiter = (limit, body)
                return state.takeRoomWaiter()
            }?()
        }

        func whenClosed(_ body: @escaping @Sendable () -> Void) {
            let isClosed = state.withLock { state in
                if !state.isClosed { state.onClose.append(body) }
                return state.isClosed
            }
            if isClosed { body() }
        }

        func didClose() {
            let callbacks = state.withLock { state -> [@Sendable () -> Void] in
                guard !state.isClosed else { return [] }
                state.isClosed = true
                state.pending = 0
                defer { state.onClose = [] }
                return state.onClose + [state.takeRoomWaiter()].compactMap(\.self)
            }
            for callback in callbacks { callback() }
        }
    }

    private let connection: ClientConnection
    private let account: Account

    init(_ connection: ClientConnection, _ account: Account) {
        self.connection = connection
        self.account = account
    }

    deinit { close() }

    /// Queues bytes; ignored once the connection is closed or ``finish()`` was called.
    package func send(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, account.add(bytes.count) else { return }
        connection.loop.run { [connection] in connection.send(bytes) }
    }

    /// Bytes that the kernel has not taken yet.
    package var pendingBytes: Int { account.pendingBytes }

    /// Calls `body` once when no more than `limit` bytes are pending or the connection is closed: at once if that is so
    /// already, else on the connection's loop. One waits at a time.
    package func onRoom(below limit: Int, _ body: @escaping @Sendable () -> Void) { account.wait(below: limit, body) }

    /// Sends nothing more behind what is queued. The server may go on sending.
    package func finish() { connection.loop.run { [connection] in connection.finishSending() } }

    /// Closes the connection at once.
    package func close() { connection.loop.run { [connection] in connection.closeUpgraded() } }

    /// Calls `body` once when the connection is closed, for whatever reason: also by itself, when both directions have ended.
    /// At once if that has happened already, else on the connection's loop.
    package func onClose(_ body: @escaping @Sendable () -> Void) { account.whenClosed(body) }
}

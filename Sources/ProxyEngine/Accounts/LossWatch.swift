internal import NetworkTypes
internal import Synchronization
internal import Transport

/// The ``LossLedger`` of all loops of an engine, and whom it tells. Any thread.
package final class LossWatch: Sendable {
    private let ledger = Mutex(LossLedger())
    private let tell: @Sendable (String) -> Void

    /// - Parameter tell: Takes a line for the log. Called on a loop: it must not block.
    package init(_ tell: @escaping @Sendable (String) -> Void = { _ in }) { self.tell = tell }

    func note(_ loss: UpstreamLoss, upstream: String, endpoint: SocketAddress?, at now: MonotonicTime) {
        let line = ledger.withLock { $0.note(loss, upstream: upstream, endpoint: endpoint, at: now) }
        if let line { tell(line) }
    }
}

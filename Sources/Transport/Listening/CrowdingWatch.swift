internal import Synchronization

/// The ``CrowdingLedger`` of all loops of a server, and whom it tells. Any thread.
package final class CrowdingWatch: Sendable {
    private let ledger = Mutex(CrowdingLedger())
    private let tell: @Sendable (CrowdingLedger.Report) -> Void

    /// - Parameter tell: Called on a loop, at most once in ``CrowdingLedger/interval``.
    package init(_ tell: @escaping @Sendable (CrowdingLedger.Report) -> Void = { _ in }) { self.tell = tell }

    package var counts: CrowdingCounts { ledger.withLock { $0.counts } }

    /// Counts one; `loop` is where the caller is.
    package func note(_ reason: CrowdingReason, largest: (peer: PeerKey, count: Int)?, on loop: EventLoop) {
        let delay = ledger.withLock { $0.note(reason, largest: largest, at: loop.now) }
        guard let delay else { return }
        loop.schedule(after: delay) { [self, unowned loop] in
            tell(ledger.withLock { $0.report(at: loop.now) })
        }
    }
}

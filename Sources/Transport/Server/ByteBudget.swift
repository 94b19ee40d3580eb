internal import Synchronization

/// A limit on the bytes that request bodies take in the whole process (``ByteBudgetState``). Any thread.
package final class ByteBudget: Sendable {
    /// What ``claim(_:onGrant:)`` gave: hand it to ``release(_:)`` exactly once, granted or not.
    package struct Claim: Sendable {
        fileprivate let id: UInt64
        fileprivate let sender: RequestSender?
        package fileprivate(set) var bytes: Int
        /// Whether the bytes may be used at once; otherwise `onGrant` tells when.
        package let isGranted: Bool
    }

    private struct State: Sendable {
        var budget: ByteBudgetState
        var next: UInt64 = 0
        var callbacks: [UInt64: @Sendable () -> Void] = [:]

        mutating func take(_ granted: [UInt64]) -> [@Sendable () -> Void] {
            granted.compactMap { callbacks.removeValue(forKey: $0) }
        }
    }

    private let state: Mutex<State>

    package init(capacity: Int) {
        state = Mutex(State(budget: ByteBudgetState(capacity: capacity)))
    }

    /// Bytes that are granted now.
    package var held: Int { state.withLock { $0.budget.held } }

    /// Claims that wait.
    package var waitingCount: Int { state.withLock { $0.budget.waitingCount } }

    /// Asks for bytes, for a sender whose share is counted. `onGrant` is called at most once, on any thread, if they are not
    /// there at once.
    /// - Returns: nil when too many wait already.
    package func claim(_ bytes: Int, by sender: RequestSender? = nil, onGrant: @escaping @Sendable () -> Void) -> Claim?
    {
        state.withLock { state in
            state.next += 1
            let id = state.next
            switch state.budget.claim(bytes, id: id, by: sender) {
            case .granted: return Claim(id: id, sender: sender, bytes: bytes, isGranted: true)
            case .refused: return nil
            case .queued:
                state.callbacks[id] = onGrant
                return Claim(id: id, sender: sender, bytes: bytes, isGranted: false)
            }
        }
    }

    /// Gives back what a claim no longer needs, once it is granted and known how much that is.
    package func shrink(_ claim: inout Claim, to bytes: Int) {
        let excess = claim.bytes - bytes
        guard excess > 0 else { return }
        claim.bytes = bytes
        let granted = state.withLock { $0.take($0.budget.release(excess, of: claim.sender)) }
        for callback in granted { callback() }
    }

    /// Gives a claim's bytes back, or withdraws it while it waits.
    package func release(_ claim: Claim) {
        let granted = state.withLock { state in
            if !claim.isGranted, let others = state.budget.withdraw(claim.id, of: claim.sender) {
                state.callbacks[claim.id] = nil
                return state.take(others)
            }
            return state.take(state.budget.release(claim.bytes, of: claim.sender))
        }
        for callback in granted { callback() }
    }
}

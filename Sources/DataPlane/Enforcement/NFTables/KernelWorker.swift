import Synchronization
import System

/// The thread that talks with the kernel: it blocks, so nobody else may wait on it. Pieces of work run one at a time,
/// in order; while there are none it looks whether all is still as it should be.
final class KernelWorker<Enforcement: KernelEnforcement>: Sendable {
    private typealias Piece = @Sendable (inout Enforcement) -> Void

    private struct Queue {
        var pieces: [Piece] = []
        var isStopped = false
    }

    private let queue = Mutex(Queue())
    private let signal: ThreadSignal

    /// - Parameters:
    ///   - audit: the pause between looks.
    ///   - make: called on the thread.
    /// - Throws: what `make` throws.
    init(audit: Duration, _ make: @escaping @Sendable () throws -> Enforcement) throws {
        signal = ThreadSignal()
        let start = KernelWorkerStart()
        let thread = try BackgroundThread(name: Enforcement.threadName) { [self] in
            do {
                var enforcement = try make()
                start.isOver.raise()
                work(&enforcement, audit)
            } catch {
                start.failure.withLock { $0 = error }
                start.isOver.raise()
            }
        }
        thread.detach()
        start.isOver.wait()
        if let error = start.failure.withLock({ $0 }) { throw error }
    }

    /// Nil when the thread has been stopped.
    func run<Result: Sendable>(_ body: @escaping @Sendable (inout Enforcement) -> Result) async -> Result? {
        await withCheckedContinuation { continuation in
            let isTaken = queue.withLock { queue in
                guard !queue.isStopped else { return false }
                queue.pieces.append { continuation.resume(returning: body(&$0)) }
                return true
            }
            if isTaken { signal.raise() } else { continuation.resume(returning: nil) }
        }
    }

    /// What was asked for before is still done.
    func stop() {
        queue.withLock { $0.isStopped = true }
        signal.raise()
    }

    private func work(_ enforcement: inout Enforcement, _ audit: Duration) {
        while true {
            let (pieces, isStopped) = queue.withLock { queue in
                defer { queue.pieces = [] }
                return (queue.pieces, queue.isStopped)
            }
            for piece in pieces { piece(&enforcement) }
            if !pieces.isEmpty { continue }
            if isStopped { return }
            signal.wait(timeout: audit)
            if queue.withLock({ $0.pieces.isEmpty && !$0.isStopped }) { enforcement.audit() }
        }
    }
}

/// What a thread that talks with the kernel works with. Made, used and thrown away on that thread.
protocol KernelEnforcement: SendableMetatype {
    static var threadName: String { get }

    /// Looks whether all is still as it should be. Called again and again while there is nothing else to do.
    mutating func audit()
}

/// What became of making what a thread works with.
private final class KernelWorkerStart: Sendable {
    let failure = Mutex<(any Error)?>(nil)
    let isOver = ThreadSignal()
}

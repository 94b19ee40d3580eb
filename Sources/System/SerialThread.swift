/// A thread that carries out work that blocks, one piece after the other, for tasks that wait for it without blocking.
/// Ends after the work that was handed over.
///
/// Everything that the work opens or starts belongs where the thread was made: its network namespace, for one.
package final class SerialThread: Sendable {
    private let worker: BoundedWorker

    package init(name: String) throws(SystemError) { worker = try BoundedWorker(name: name, capacity: .max) }

    /// Carries `work` out on the thread.
    package func perform<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            let isTaken = worker.submit { continuation.resume(returning: work()) }
            precondition(isTaken, "nobody stops the worker but the end of its thread's owner")
        }
    }
}

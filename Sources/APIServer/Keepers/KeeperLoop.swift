import APIResources
import KubeModel
import Store
import System
import WatchCache

/// What the keepers share, the parts of the server that work without being asked: one loop, on which their jobs and the
/// answers to their writes run one after the other, one way to write, and one clock. Nothing on the loop may block.
final class KeeperLoop: Sendable {
    private let queue: any WorkQueue
    private let writer: ObjectWriter
    private let clock: KeeperClock

    /// - Parameter queue: runs one job at a time.
    init(queue: any WorkQueue, writer: ObjectWriter, clock: KeeperClock = KeeperClock()) {
        self.queue = queue
        self.writer = writer
        self.clock = clock
    }

    /// The time of day.
    var now: Timestamp { clock.now() }
    /// Seconds of a clock that only goes forward.
    var seconds: Int64 { clock.seconds() }

    func run(_ job: @escaping @Sendable () -> Void) {
        queue.run(job)
    }

    @discardableResult
    func run(afterMilliseconds delay: Int, _ job: @escaping @Sendable () -> Void) -> any ScheduledWork {
        queue.run(afterMilliseconds: delay, job)
    }

    // MARK: Writing

    /// An object, or a subresource of one, that the server itself changes.
    struct Target: Sendable {
        var resource: ServedResource
        /// "" for cluster-scoped kinds.
        var namespace = ""
        var name: String
        var subresource: Subresource?
    }

    typealias Completion = @Sendable (Result<Void, Status>) -> Void

    /// Writes in the server's own name. `done` runs on the loop, once.
    func write(_ change: Change, to target: Target, _ done: Completion? = nil) {
        var request = WriteRequest(
            resource: target.resource, namespace: target.namespace, name: target.name,
            subresource: target.subresource, options: WriteOptions(), shape: .json, user: .local, now: now)
        request.manager = "kube-apiserver"
        writer.write(change, request) { [queue] result in
            guard let done else { return }
            let outcome = result.map { _ in }
            queue.run { done(outcome) }
        }
    }

    /// As `write`, for whoever begins before there are requests.
    func write(_ change: Change, to target: Target) async -> Result<Void, Status> {
        await withCheckedContinuation { continuation in
            write(change, to: target) { continuation.resume(returning: $0) }
        }
    }

    /// Stores what is written out already, or removes what nothing may hold up: past admission, which has had its say on the
    /// object that this belongs to. `done` runs on the loop, once, with the reason when that failed.
    func settle(_ write: Write, of resource: ServedResource, _ done: (@Sendable (Status?) -> Void)? = nil) {
        writer.settle(write, of: resource) { [queue] failure in
            guard let done else { return }
            queue.run { done(failure) }
        }
    }

    /// Deletes an object that is of no use any more. `done` runs on the loop, once, with the reason when the object is
    /// still there and not even marked.
    func discard(_ resource: ServedResource, _ object: CachedObject, _ done: (@Sendable (Status?) -> Void)? = nil) {
        writer.discard(resource, object, now: now) { [queue] failure in
            guard let done else { return }
            queue.run { done(failure) }
        }
    }
}

import Store
import Synchronization
package import System

/// The threads that carry changes to watches, one pair for all resources of a server: the live one shows each new change
/// to the watches that stand at the newest, the catch-up one tells the others what they have missed. Neither the store's
/// writer nor any other watch waits for a slow client.
package final class WatchDispatcher: Sendable {
    private struct Threads {
        var live: BackgroundThread?
        var catchUp: BackgroundThread?
    }

    private struct CatchingUp {
        let watch: WatchSubscription
        let cache: ResourceCache
        /// When the client last took something. Seconds.
        var progress: Int64
    }

    private struct Shared {
        var caches: [WeakCache] = []
        var arrivals: [CatchingUp] = []
        var isStopped = false
    }

    private struct WeakCache: Sendable {
        weak let cache: ResourceCache?
    }

    private let shared = Mutex(Shared())
    private let threads = Mutex(Threads())
    private let gathering: @Sendable (() -> Void) -> Void
    private let liveSignal = ThreadSignal()
    private let catchUpSignal = ThreadSignal()
    /// How often clients with a full buffer are looked at while they catch up.
    private static let patience = Duration.milliseconds(4)
    /// A client that takes nothing for so long while it catches up is given up. Seconds.
    private static let catchUpStallLimit: Int64 = 60

    /// Starts the threads, which keep the dispatcher alive until `stop()`.
    /// - Parameter gathering: runs what delivers to many watches, so that whoever serves several may send together.
    package init(
        gathering: @escaping @Sendable (_ deliveries: () -> Void) -> Void = { $0() }
    ) throws(SystemError) {
        self.gathering = gathering
        let live = try BackgroundThread(name: "watch-live") { [self] in runLive() }
        threads.withLock { $0.live = live }
        do throws(SystemError) {
            let catchUp = try BackgroundThread(name: "watch-catch-up") { [self] in runCatchUp() }
            threads.withLock { $0.catchUp = catchUp }
        } catch {
            stop()
            throw error
        }
    }

    /// Ends the threads, and with them every delivery; watches that were catching up end. Not to be called from a sink.
    package func stop() {
        shared.withLock { $0.isStopped = true }
        liveSignal.raise()
        catchUpSignal.raise()
        let ending = threads.withLock { threads in
            let ending = (threads.live, threads.catchUp)
            threads = Threads()
            return ending
        }
        ending.0?.join()
        ending.1?.join()
    }

    package func add(_ cache: ResourceCache) {
        shared.withLock { $0.caches.append(WeakCache(cache: cache)) }
        liveSignal.raise()
    }

    package func remove(_ cache: ResourceCache) {
        shared.withLock { shared in
            shared.caches.removeAll { $0.cache == nil || $0.cache === cache }
        }
    }

    /// Has the live thread look at its caches.
    func wake() {
        liveSignal.raise()
    }

    /// Has the catch-up thread bring a watch to the newest change.
    func catchUp(_ watch: WatchSubscription, in cache: ResourceCache) {
        let arrival = CatchingUp(watch: watch, cache: cache, progress: MonotonicClock.seconds)
        let isTaken = shared.withLock { shared in
            if !shared.isStopped { shared.arrivals.append(arrival) }
            return !shared.isStopped
        }
        if isTaken { catchUpSignal.raise() } else { watch.end(.shutdown) }
    }

    private func runLive() {
        while true {
            let (caches, isStopped) = shared.withLock { ($0.caches, $0.isStopped) }
            if isStopped { return }
            var next = Int64.max
            gathering {
                for cache in caches.lazy.compactMap(\.cache) {
                    next = min(next, cache.dispatch(now: MonotonicClock.microseconds))
                }
            }
            if next == .max {
                liveSignal.wait()
            } else {
                liveSignal.wait(timeout: .microseconds(max(next - MonotonicClock.microseconds, 0)))
            }
        }
    }

    private func runCatchUp() {
        var all: [CatchingUp] = []
        while true {
            let isStopped = shared.withLock { shared in
                all += shared.arrivals
                shared.arrivals = []
                return shared.isStopped
            }
            if isStopped {
                for entry in all { entry.watch.end(.shutdown) }
                return
            }
            if all.isEmpty {
                catchUpSignal.wait()
                continue
            }
            // One step each, so that a long history delays no other watch for long.
            var isWorking = false
            var left: [CatchingUp] = []
            for var entry in all {
                switch entry.cache.catchUp(entry.watch) {
                case .done: continue
                case .more:
                    isWorking = true
                    entry.progress = MonotonicClock.seconds
                case .waiting:
                    if MonotonicClock.seconds - entry.progress > Self.catchUpStallLimit {
                        entry.watch.end(.tooSlow)
                        continue
                    }
                }
                left.append(entry)
            }
            all = left
            if !isWorking, !all.isEmpty { catchUpSignal.wait(timeout: Self.patience) }
        }
    }
}

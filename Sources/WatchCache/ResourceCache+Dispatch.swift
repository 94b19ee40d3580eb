import Store
import Synchronization
internal import System

/// What the live thread remembers of a cache.
struct LiveRound: Sendable {
    /// Watches whose clients do not keep up.
    var stalled: [WatchSubscription] = []
    /// Seconds.
    var nextBookmarks: Int64 = 0
    var pace = DispatchPace()
}

extension ResourceCache {
    /// How often clients with a full buffer are looked at. Microseconds.
    private static let patience: Int64 = 4000

    /// Shows new changes to the live watches. On the dispatcher's live thread only.
    /// - Parameter now: microseconds (`MonotonicClock.microseconds`).
    /// - Returns: when to call again at the latest; earlier if the dispatcher is woken.
    func dispatch(now: Int64) -> Int64 {
        // The lock is hardly ever waited for: another thread takes it once, when the cache is closed.
        live.withLock { round in
            // While this cache rests the call stays standing, so that no other comes.
            if needsDispatch.load(ordering: .relaxed), let later = round.pace.rest(at: now) { return later }
            let isWoken = needsDispatch.exchange(false, ordering: .acquiringAndReleasing)
            let seconds = now / 1_000_000
            if round.nextBookmarks == 0 { round.nextBookmarks = seconds + configuration.bookmarkInterval }
            if isWoken || !round.stalled.isEmpty || seconds >= round.nextBookmarks { dispatch(seconds, &round) }
            if isWoken { round.pace.roundBegan(at: now, watches: watchCount) }
            return round.stalled.isEmpty ? round.nextBookmarks * 1_000_000 : now + Self.patience
        }
    }

    /// Shows the watches at once what the next round would. Any thread, but no sink.
    func showWhatIsLeft() {
        live.withLock { dispatch(MonotonicClock.seconds, &$0) }
    }

    private func dispatch(_ now: Int64, _ round: inout LiveRound) {
        // In this order: every change up to `announced` is among those taken.
        let announced = store.currentRevision
        let (changes, registry, arrivals, applied) = state.withLock { state in
            let taken = (state.undispatched, state.registry, state.arrivals, state.applied)
            state.undispatched = []
            state.arrivals = []
            return taken
        }
        // What an arrival has still to be told comes before the changes.
        for watch in arrivals {
            watch.isStalled = true
            round.stalled.append(watch)
        }
        drainStalled(&round)
        for start in stride(from: 0, to: changes.count, by: 128) {
            show(changes[start..<min(start + 128, changes.count)], registry, &round)
        }
        sendBookmarks(registry, max(announced, applied), now, &round)
    }

    private func drainStalled(_ round: inout LiveRound) {
        round.stalled.removeAll { watch in
            guard watch.drain() else { return false }
            watch.isStalled = false
            return true
        }
    }

    private func show(_ changes: ArraySlice<ChangeEvent>, _ registry: WatchRegistry, _ round: inout LiveRound) {
        guard let first = changes.first else { return }
        for (scope, changes) in sorted(changes, registry) {
            guard let group = registry.groups[scope] else { continue }
            // One batch for all who look without selectors and have seen nothing of it.
            let shared = group.plain.isEmpty ? nil : WatchBatch(changes.map(\.watchEvent))
            for watch in group.plain {
                if let shared, watch.startRevision < first.revision {
                    offer(shared, to: watch, &round)
                } else {
                    showSelected(changes, to: watch, &round)
                }
            }
            for watch in group.selective { showSelected(changes, to: watch, &round) }
        }
        for change in changes { change.forgetLines() }
    }

    private func showSelected(
        _ changes: [ChangeEvent], to watch: WatchSubscription, _ round: inout LiveRound
    ) {
        let events = changes.compactMap { $0.revision > watch.startRevision ? $0.watchEvent(watch.filter) : nil }
        if !events.isEmpty { offer(WatchBatch(events), to: watch, &round) }
    }

    private func offer(_ batch: WatchBatch, to watch: WatchSubscription, _ round: inout LiveRound) {
        guard !watch.hasEnded, !watch.offer(batch), !watch.isStalled else { return }
        watch.isStalled = true
        round.stalled.append(watch)
    }

    /// The changes by the scopes that somebody watches.
    private func sorted(
        _ changes: ArraySlice<ChangeEvent>, _ registry: WatchRegistry
    ) -> [WatchScope: [ChangeEvent]] {
        var sorted: [WatchScope: [ChangeEvent]] = [:]
        if registry.groups[.all] != nil { sorted[.all] = Array(changes) }
        guard registry.namespaceGroups > 0 || registry.objectGroups > 0 else { return sorted }
        for change in changes {
            if registry.namespaceGroups > 0 {
                let scope = WatchScope.namespace(change.object.namespace)
                if registry.groups[scope] != nil { sorted[scope, default: []].append(change) }
            }
            if registry.objectGroups > 0 {
                let scope = WatchScope.object(key: change.object.relativeKey)
                if registry.groups[scope] != nil { sorted[scope, default: []].append(change) }
            }
        }
        return sorted
    }

    /// Bookmarks for those who asked now, and about every minute for all who allow them and keep up.
    private func sendBookmarks(
        _ registry: WatchRegistry, _ revision: Revision, _ now: Int64, _ round: inout LiveRound
    ) {
        let isDue = now >= round.nextBookmarks
        if isDue {
            round.nextBookmarks = now + configuration.bookmarkInterval
            state.withLock { $0.window.trim(now: now) }
        }
        let isRequested = bookmarksRequested.exchange(false, ordering: .acquiringAndReleasing)
        guard isDue || isRequested else { return }
        let shared = WatchBatch([bookmark(revision)])
        for watch in registry.all where watch.allowsBookmarks && !watch.hasEnded && watch.startRevision <= revision {
            // A client with a full buffer gets the bookmark behind what it has not read, if it asked.
            guard watch.takeBookmarkRequest() || (isDue && !watch.isStalled) else { continue }
            offer(shared, to: watch, &round)
        }
    }
}

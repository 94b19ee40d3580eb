package import KubeModel
package import Store
import Synchronization
import System

extension ResourceCache {
    /// Opens a watch; `sink` gets its events from now on, from the dispatcher's threads.
    ///
    /// Every change after the start is delivered once, in order; on the way the watch may end as `WatchSink.close` says.
    /// A start ahead of the store waits for it.
    /// - Throws: 410 Expired when the history after the start is compacted, 504 when `existingWithBookmark` asks for a
    ///   moment that has not come, 503 when the cache is closed.
    package func watch(_ request: WatchRequest, sink: any WatchSink) throws(Status) -> WatchSubscription {
        let filter = filter(request.labels, request.fields)
        let watch = WatchSubscription(
            request, scope: scope(of: request, filter), filter: filter, sink: sink, cache: self)
        switch request.start {
        case .after(let revision):
            let compacted = store.compactedRevision
            if revision < compacted { throw Self.tooOld(revision, compacted) }
            watch.backlog = .changes(after: revision)
        case .now:
            watch.backlog = .changes(after: self.revision)
        case .existing:
            watch.backlog = objects(request.namespace, closesWithBookmark: false)
        case .existingWithBookmark(let notBefore):
            if let notBefore, notBefore > revision { throw Self.tooLarge(notBefore, current: revision) }
            watch.backlog = objects(request.namespace, closesWithBookmark: true)
        }
        let isOpen = state.withLock { !$0.isClosed }
        guard isOpen else { throw Status.serviceUnavailable("the server is shutting down") }
        // The usual case, a client that comes back or has just listed, needs no thread to catch up.
        if case .changes(let revision) = watch.backlog, case .live = goLive(watch, after: revision) { return watch }
        dispatcher.catchUp(watch, in: self)
        return watch
    }

    /// What an opening watch, and one that fell behind compaction, is answered with.
    static func tooOld(_ revision: Revision, _ compacted: Revision) -> Status {
        Status.expired("too old resource version: \(revision) (\(compacted))")
    }

    /// What a read of a moment that has not come is answered with, after Kubernetes has waited for it.
    package static func tooLarge(_ revision: Revision, current: Revision) -> Status {
        var status = Status.timeout(
            "Too large resource version: \(revision), current: \(current)", retryAfterSeconds: 1)
        status.details?.causes = [
            Status.Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version", field: nil)
        ]
        return status
    }

    /// Forgets a watch that has ended.
    func remove(_ watch: WatchSubscription) {
        state.withLock { state in
            state.registry.remove(watch)
            return ()
        }
    }

    func requestBookmarks() {
        bookmarksRequested.store(true, ordering: .releasing)
        wakeDispatcher()
    }

    private func scope(of request: WatchRequest, _ filter: ObjectFilter) -> WatchScope {
        let isNamespaced = configuration.definition.namespaced
        if let name = request.name {
            if !isNamespaced { return .object(key: name) }
            if let namespace = request.namespace { return .object(key: "\(namespace)/\(name)") }
        }
        // A key that the fields give in another namespace than the request's matches nothing, which the filter sees.
        if let key = filter.exactKey(namespace: request.namespace, isNamespaced: isNamespaced) {
            return .object(key: key)
        }
        return request.namespace.map { .namespace($0) } ?? .all
    }

    private func objects(_ namespace: String?, closesWithBookmark: Bool) -> WatchBacklog {
        let announced = store.currentRevision
        let (index, revision) = state.withLock { ($0.index, max(announced, $0.applied)) }
        return .objects(
            index, index.range(namespace: namespace), at: revision, closesWithBookmark: closesWithBookmark)
    }

    // MARK: Catching up

    enum CatchUp {
        /// The watch is live or over.
        case done
        case more
        /// The client has to read first.
        case waiting
    }

    /// One step of a watch that is not live, on the catch-up thread.
    func catchUp(_ watch: WatchSubscription) -> CatchUp {
        if watch.hasEnded { return .done }
        if watch.sink.pendingBytes > WatchSubscription.sinkHighWater { return .waiting }
        switch watch.backlog {
        case .objects(let index, let range, let revision, let closesWithBookmark):
            showObjects(to: watch, index, range, revision, closesWithBookmark)
            return .more
        case .changes(let revision):
            switch goLive(watch, after: revision) {
            case .live: return .done
            case .behind(let changes):
                showChanges(changes.prefix(256), to: watch)
                return .more
            case .outside: return showHistory(to: watch, after: revision)
            case .closed:
                watch.end(.shutdown)
                return .done
            }
        case nil:
            return .done
        }
    }

    private func showObjects(
        to watch: WatchSubscription, _ index: ObjectIndex, _ range: Range<ObjectIndex.Position>, _ revision: Revision,
        _ closesWithBookmark: Bool
    ) {
        var events: [WatchEvent] = []
        var bytes = 0
        var position = range.lowerBound
        while position < range.upperBound, bytes < 128 << 10 {
            let object = index[position]
            position = index.position(after: position)
            guard watch.scope.contains(object), watch.filter.matches(object) else { continue }
            if object.isDamaged {
                watch.sink.deliver(
                    WatchBatch([WatchEvent(.unreadable(configuration.definition.groupResource, [object.relativeKey]))]))
                watch.end(.failed)
                return
            }
            events.append(WatchEvent(initial: object))
            bytes += object.bytes.count
        }
        if position < range.upperBound {
            watch.backlog = .objects(
                index, position..<range.upperBound, at: revision, closesWithBookmark: closesWithBookmark)
        } else {
            if closesWithBookmark { events.append(bookmark(revision, endsInitialEvents: true)) }
            watch.backlog = .changes(after: revision)
        }
        if !events.isEmpty { watch.sink.deliver(WatchBatch(events)) }
    }

    private func showChanges(_ changes: ArraySlice<ChangeEvent>, to watch: WatchSubscription) {
        guard let last = changes.last else { return }
        watch.backlog = .changes(after: last.revision)
        let events = Self.events(changes, for: watch)
        if !events.isEmpty { watch.sink.deliver(WatchBatch(events)) }
        for change in changes { change.forgetLines() }
    }

    /// Changes older than the window, from the store.
    private func showHistory(to watch: WatchSubscription, after revision: Revision) -> CatchUp {
        do throws(StoreError) {
            let page = try store.events(prefix: configuration.prefix, after: revision, limit: 250)
            let events = Self.events(page.events.lazy.map(change), for: watch)
            watch.backlog = .changes(after: page.through)
            if !events.isEmpty { watch.sink.deliver(WatchBatch(events)) }
            return .more
        } catch {
            let status: Status =
                switch error.code {
                case .compacted(let compacted): Self.tooOld(revision, compacted)
                // Who lists anew needs nothing of what is damaged.
                case .damaged(let damaged): Self.tooOld(revision, damaged)
                default: .internalError("the history of the resource could not be read")
                }
            watch.sink.deliver(WatchBatch([WatchEvent(status)]))
            watch.end(.failed)
            return .done
        }
    }

    private func change(_ event: StoreEvent) -> ChangeEvent {
        let object = object(event.key, event.value, event.revision, event.createRevision)
        // The version of the state before is told nowhere: what ceases to match is stamped with the change's.
        let previous = event.previous.map { self.object(event.key, $0, event.revision, event.createRevision) }
        return ChangeEvent(
            object: object, previous: previous, isDeletion: event.kind == .deleted, time: MonotonicClock.seconds)
    }

    private enum Arrival {
        case live
        /// So much is in the window that it is told first, without holding up the writer.
        case behind([ChangeEvent])
        /// The window does not reach back.
        case outside
        case closed
    }

    /// Makes the watch live if there is little that it has still to be told.
    private func goLive(_ watch: WatchSubscription, after revision: Revision) -> Arrival {
        let arrival = state.withLock { state -> Arrival in
            if state.isClosed { return .closed }
            guard revision >= state.window.floor else { return .outside }
            let changes = state.window.changes(after: revision)
            if changes.count > 64 { return .behind(changes) }
            let events = Self.events(changes, for: watch)
            if !events.isEmpty { watch.enqueue(WatchBatch(events)) }
            watch.backlog = nil
            watch.startRevision = max(revision, state.applied)
            state.registry.insert(watch)
            if !events.isEmpty { state.arrivals.append(watch) }
            return .live
        }
        if case .live = arrival {
            // Ended meanwhile: nobody else would take it out.
            if watch.hasEnded { remove(watch) }
            wakeDispatcher()
        }
        return arrival
    }

    private static func events(_ changes: some Sequence<ChangeEvent>, for watch: WatchSubscription) -> [WatchEvent] {
        changes.compactMap { watch.scope.contains($0.object) ? $0.watchEvent(watch.filter) : nil }
    }

    func bookmark(_ revision: Revision, endsInitialEvents: Bool = false) -> WatchEvent {
        WatchEvent(
            bookmark: revision, apiVersion: configuration.definition.apiVersion, kind: configuration.definition.kind,
            endsInitialEvents: endsInitialEvents)
    }
}

extension WatchScope {
    func contains(_ object: CachedObject) -> Bool {
        switch self {
        case .all: true
        case .namespace(let namespace): object.namespace == namespace
        case .object(let key): object.relativeKey == key
        }
    }
}

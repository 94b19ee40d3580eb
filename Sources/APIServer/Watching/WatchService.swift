import KubeModel
import Store
import Synchronization
import Transport

/// Opens watches and ends them: on the client's timeout, when the client is gone or too slow, when the server stops.
final class WatchService: Sendable {
    private struct State {
        var open: [UInt64: WatchSession] = [:]
        var next: UInt64 = 0
        var isStopped = false
    }

    private let store: any Store
    private let queue: any WorkQueue
    private let metrics: RequestMetrics
    private let bufferBytes: Int
    private let bookmarkSeconds: Int
    private let state = Mutex(State())

    init(store: any Store, queue: any WorkQueue, metrics: RequestMetrics, bufferBytes: Int, bookmarkSeconds: Int) {
        self.store = store
        self.queue = queue
        self.metrics = metrics
        self.bufferBytes = bufferBytes
        self.bookmarkSeconds = bookmarkSeconds
    }

    /// Answers a watch: the stream is open when this returns.
    /// - Throws: what keeps it from opening, 410 among others for a version whose history is gone.
    func start(_ exchange: Exchange, _ operation: ResourceOperation) throws(Status) {
        let options = try ListOptions(exchange.query, forcedWatch: true)
        let resource = operation.resource
        let fields = try FieldSelectorCheck.checked(options.fields, for: resource)
        if let version = options.resourceVersion {
            let current = store.currentRevision.rawValue
            if version > current { throw ObjectReader.tooLarge(version, current: current) }
        }
        let encoder = WatchEncoder(
            resource: resource, shape: exchange.shape, included: try ObjectReader.included(exchange.query),
            now: exchange.now)
        let session = WatchSession(encoder: encoder, bufferBytes: bufferBytes, wantsBookmarks: options.allowBookmarks)
        let request = WatchRequest(
            namespace: operation.namespace.isEmpty ? nil : operation.namespace,
            name: operation.name.isEmpty ? nil : operation.name, labels: options.labels, fields: fields,
            from: Self.startRevision(options), sendsInitialEvents: Self.sendsInitialEvents(options),
            marksInitialEventsEnd: options.sendInitialEvents == true && options.allowBookmarks)
        try session.open(resource.cache, request, exchange.writer)
        track(session, seconds: options.timeoutSeconds ?? Int.random(in: 1800..<3600))
    }

    /// Ends every watch properly; clients open new ones elsewhere. None is opened after this.
    func finishAll() {
        let open = state.withLock { state in
            state.isStopped = true
            let open = state.open
            state.open = [:]
            return open
        }
        for session in open.values { session.finish() }
    }

    /// Without a version a watch shows the present as ADDED events first; "0" means the same from a cache.
    private static func startRevision(_ options: ListOptions) -> Revision? {
        guard let version = options.resourceVersion, version > 0 else { return nil }
        return options.sendInitialEvents == true ? nil : Revision(version)
    }

    private static func sendsInitialEvents(_ options: ListOptions) -> Bool {
        options.sendInitialEvents ?? (startRevision(options) == nil)
    }

    private func track(_ session: WatchSession, seconds: Int) {
        let id = state.withLock { state -> UInt64? in
            guard !state.isStopped else { return nil }
            state.next += 1
            state.open[state.next] = session
            return state.next
        }
        guard let id else {
            session.finish()
            return
        }
        metrics.watchStarted()
        let deadline = queue.run(afterMilliseconds: max(1, seconds) * 1000) { [weak session] in session?.finish() }
        scheduleBookmark(session)
        session.onClose { [weak self] in
            deadline.cancel()
            self?.metrics.watchEnded()
            // The session goes after the lock: its end may come back here.
            let gone = self?.state.withLock { $0.open.removeValue(forKey: id) }
            _ = gone
        }
    }

    private func scheduleBookmark(_ session: WatchSession) {
        guard session.wantsBookmarks else { return }
        _ = queue.run(afterMilliseconds: bookmarkSeconds * 1000) { [weak self, weak session] in
            guard let self, let session, !session.isClosed else { return }
            session.sendBookmark()
            self.scheduleBookmark(session)
        }
    }
}

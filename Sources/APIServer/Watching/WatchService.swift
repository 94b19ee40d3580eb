import APIResources
import KubeModel
import Store
import Synchronization
import Transport
import WatchCache

/// Opens watches and ends them: on the client's timeout, when the client is gone, when the server stops. The cache ends
/// those whose client is too slow.
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
    private let isServed: @Sendable (GroupVersionResource) -> Bool
    private let state = Mutex(State())

    /// - Parameter isServed: whether a resource is among those that requests meet at this moment.
    init(
        store: any Store, queue: any WorkQueue, metrics: RequestMetrics, bufferBytes: Int,
        isServed: @escaping @Sendable (GroupVersionResource) -> Bool = { _ in true }
    ) {
        self.isServed = isServed
        self.store = store
        self.queue = queue
        self.metrics = metrics
        self.bufferBytes = bufferBytes
    }

    /// Answers a watch: the stream is open when this returns.
    /// - Throws: what keeps it from opening, 410 among others for a version whose history is gone.
    func start(_ exchange: Exchange, _ operation: ResourceOperation) throws(Status) {
        guard exchange.shape.format != .yaml else {
            throw Status.notAcceptable(supported: ["application/json", ProtobufDocument.mediaType + ";stream=watch"])
        }
        let options = try ListOptions(exchange.query, forcedWatch: true)
        let resource = operation.resource
        let fields = try FieldSelectorCheck.checked(options.fields, for: resource)
        if let version = options.resourceVersion {
            let current = store.currentRevision.rawValue
            if version > current { throw ResourceCache.tooLarge(Revision(version), current: Revision(current)) }
        }
        let encoder = WatchEncoder(
            resource: resource, shape: exchange.shape, included: try ObjectReader.included(exchange))
        let request = WatchRequest(
            namespace: operation.namespace.isEmpty ? nil : operation.namespace,
            name: operation.name.isEmpty ? nil : operation.name, labels: options.labels, fields: fields,
            start: Self.start(options), allowsBookmarks: options.allowBookmarks, maximumQueuedBytes: bufferBytes)
        let session = WatchSession(encoder: encoder, writer: exchange.writer)
        session.hold(try resource.cache.watch(request, sink: session))
        session.begin()
        track(session, seconds: options.timeoutSeconds ?? Int.random(in: 1800..<3600))
        // A resource that went while its watch was being opened is one that `finish(of:)` did not find.
        if !isServed(session.resource) { session.finish() }
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

    /// Ends the watches of resources that are no longer served, as if their time were up.
    func finish(of resources: Set<GroupVersionResource>) {
        let ended = state.withLock { $0.open.values.filter { resources.contains($0.resource) } }
        for session in ended { session.finish() }
    }

    /// Without a version a watch shows the present as ADDED events first; "0" means the same from a cache.
    private static func start(_ options: ListOptions) -> WatchRequest.Start {
        let version = options.resourceVersion.flatMap { $0 > 0 ? Revision($0) : nil }
        switch options.sendInitialEvents {
        case true?: return options.allowBookmarks ? .existingWithBookmark(notBefore: version) : .existing
        case false?: return version.map { .after($0) } ?? .now
        case nil: return version.map { .after($0) } ?? .existing
        }
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
        let limit = max(1, min(seconds, 1 << 20))
        let deadline = queue.run(afterMilliseconds: limit * 1000) { [weak session] in session?.finish() }
        // Two seconds before, as in Kubernetes, so that the client's next watch has little to catch up with.
        let farewell =
            limit > 2
            ? queue.run(afterMilliseconds: (limit - 2) * 1000) { [weak session] in session?.requestBookmark() } : nil
        session.onStreamClose { [weak self, weak session] in
            deadline.cancel()
            farewell?.cancel()
            session?.clientLeft()
            self?.metrics.watchEnded()
            // Let go of behind the lock: the session's end may come back here.
            let gone = self?.state.withLock { $0.open.removeValue(forKey: id) }
            withExtendedLifetime(gone) {}
        }
    }
}

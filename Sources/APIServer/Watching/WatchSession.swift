import APIResources
import KubeModel
import Store
import Synchronization
import WatchCache

/// One client's open watch: takes events from the cache and hands them to the response.
final class WatchSession: WatchSink {
    private struct State {
        var subscription: WatchSubscription?
        /// The columns of a Table have been sent.
        var hasColumns = false
        var isClosed = false
    }

    private final class Opened: Sendable {
        let stream: any ResponseStream
        init(_ stream: any ResponseStream) { self.stream = stream }
    }

    private let encoder: WatchEncoder
    private let writer: any ResponseWriter
    private let state = Mutex(State())
    private let opened = AtomicLazyReference<Opened>()

    /// The response begins with the first event or with `begin`, whichever is earlier: until then it can be refused.
    init(encoder: WatchEncoder, writer: any ResponseWriter) {
        self.encoder = encoder
        self.writer = writer
    }

    /// What is watched.
    var resource: GroupVersionResource { encoder.resource.definition.groupVersionResource }

    /// Sends the head of the response: the watch is open.
    func begin() { _ = stream }

    private var stream: any ResponseStream {
        if let opened = opened.load() { return opened.stream }
        // The lock keeps two threads from beginning the response twice.
        return state.withLock { _ in
            if let opened = opened.load() { return opened.stream }
            let warnings = encoder.resource.strategy.deprecationWarning.map { [WarningLog.header($0)] } ?? []
            return opened.storeIfNil(
                Opened(writer.startStream(contentType: encoder.shape.format.streamType, warnings: warnings))
            ).stream
        }
    }

    var pendingBytes: Int { stream.pendingBytes }

    func deliver(_ batch: WatchBatch) {
        if encoder.takesSharedLines {
            stream.write(batch.bytes)
            return
        }
        if let frames = encoder.frames(batch) {
            stream.write(frames)
            return
        }
        var output: [UInt8] = []
        for event in batch.events {
            let isFirst = state.withLock { state in
                guard event.object != nil else { return false }
                defer { state.hasColumns = true }
                return !state.hasColumns
            }
            do throws(Status) {
                output += try encoder.line(event, withColumns: isFirst, now: Timestamp.now)
            } catch {
                // Clients end a watch at an error; to go on would leave out what could not be said.
                stream.write(output + WatchEvent(error).line)
                finish()
                return
            }
        }
        stream.write(output)
    }

    func close(_ reason: WatchEnd) {
        guard end() else { return }
        switch reason {
        case .tooSlow: stream.cancel()
        case .failed, .shutdown: stream.finish()
        }
    }

    /// Ends the watch properly: its time is up, or the server stops.
    func finish() {
        guard end() else { return }
        stream.finish()
    }

    /// Has a bookmark sent soon, if the client wants any.
    func requestBookmark() {
        let subscription = state.withLock { $0.subscription }
        subscription?.requestBookmark()
    }

    /// Calls `handler` once when the response has ended, for whatever reason.
    func onStreamClose(_ handler: @escaping @Sendable () -> Void) { stream.onClose(handler) }

    /// The client is gone.
    func clientLeft() { _ = end() }

    /// Keeps the subscription until the watch ends; cancels it if it has.
    func hold(_ subscription: WatchSubscription) {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.subscription = subscription }
            return state.isClosed
        }
        if isClosed { subscription.cancel() }
    }

    /// - Returns: whether it was open.
    private func end() -> Bool {
        let (wasOpen, subscription) = state.withLock { state in
            defer { state.isClosed = true }
            return (!state.isClosed, state.subscription.take())
        }
        subscription?.cancel()
        return wasOpen
    }
}

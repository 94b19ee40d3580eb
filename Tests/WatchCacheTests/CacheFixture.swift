import Foundation
import KubeModel
import Store
import Synchronization

@testable import WatchCache

/// A cache of "widgets" over a store of its own.
final class CacheFixture: Sendable {
    static let prefix = "/registry/test/widgets/"

    let store: SQLiteStore
    let dispatcher: WatchDispatcher
    let cache: ResourceCache
    private let folder: String

    init(
        window: ChangeWindow.Limits = .init(), bookmarkInterval: Int64 = 60,
        prepare: (SQLiteStore) async throws -> Void = { _ in }
    ) async throws {
        folder = NSTemporaryDirectory() + "cache-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var file = SQLiteStore.Configuration(path: folder + "/store.db")
        file.durability = .process
        store = try SQLiteStore(file)
        try await prepare(store)
        dispatcher = try WatchDispatcher()
        cache = try ResourceCache(
            Self.configuration(window: window, bookmarkInterval: bookmarkInterval), store: store,
            dispatcher: dispatcher)
    }

    deinit {
        cache.close()
        dispatcher.stop()
        store.close()
        // What is left behind in the temporary folder harms nothing.
        try? FileManager.default.removeItem(atPath: folder)
    }

    static func configuration(
        window: ChangeWindow.Limits = .init(), bookmarkInterval: Int64 = 60
    ) -> ResourceCache.Configuration {
        ResourceCache.Configuration(
            prefix: prefix,
            definition: ResourceDefinition(group: "test", kind: "Widget", plural: "widgets", namespaced: true),
            selectableFields: { bytes in
                // Objects of the tests are JSON.
                ["spec.color": (try? JSONParser.parse(bytes))?["spec"]["color"].string ?? ""]
            }, window: window, bookmarkInterval: bookmarkInterval)
    }

    static func stored(_ key: String, labels: [String: String] = [:], color: String = "red", text: String = "")
        -> [UInt8]
    {
        let parts = key.split(separator: "/", maxSplits: 1).map(String.init)
        var pairs = JSONObject()
        for (name, value) in labels.sorted(by: { $0.key < $1.key }) { pairs[name] = .string(value) }
        let metadata: JSONObject = [
            "name": .string(parts[1]), "namespace": .string(parts[0]), "uid": .string("uid-\(key)"),
            "labels": .object(pairs),
        ]
        let document: JSONObject = [
            "apiVersion": "test/v1", "kind": "Widget", "metadata": .object(metadata),
            "spec": ["color": .string(color), "text": .string(text)],
        ]
        return JSONValue.object(document).encoded()
    }

    @discardableResult
    func create(
        _ key: String, labels: [String: String] = [:], color: String = "red", text: String = ""
    ) async throws -> Revision {
        let value = Self.stored(key, labels: labels, color: color, text: text)
        return try await store.write(.create(key: Self.prefix + key, value: value)).revision
    }

    @discardableResult
    func update(
        _ key: String, labels: [String: String] = [:], color: String = "red", text: String = ""
    ) async throws -> Revision {
        let value = Self.stored(key, labels: labels, color: color, text: text)
        return try await store.write(.update(key: Self.prefix + key, value: value, ifRevision: nil)).revision
    }

    @discardableResult
    func delete(_ key: String) async throws -> Revision {
        try await store.write(.delete(key: Self.prefix + key, ifRevision: nil)).revision
    }

    func keys(
        namespace: String? = nil, labels: String = "", fields: String = ""
    ) throws -> [String] {
        try cache.list(
            namespace: namespace, labels: Selector(parsing: labels), fields: FieldSelector(parsing: fields)
        ).items.map(\.relativeKey)
    }

    func watch(
        _ start: WatchRequest.Start, namespace: String? = nil, labels: String = "", fields: String = "",
        allowsBookmarks: Bool = false, sink: RecordingSink = RecordingSink()
    ) throws -> RecordingSink {
        var request = WatchRequest(start: start)
        request.namespace = namespace
        request.labels = try Selector(parsing: labels)
        request.fields = try FieldSelector(parsing: fields)
        request.allowsBookmarks = allowsBookmarks
        sink.subscription = try cache.watch(request, sink: sink)
        return sink
    }
}

/// Keeps what a watch is told; can pretend that the client does not read.
final class RecordingSink: WatchSink {
    private struct State {
        var events: [WatchEvent] = []
        var lines: [[UInt8]] = []
        var pendingBytes = 0
        var end: WatchEnd?
        var subscription: WatchSubscription?
    }

    private let state = Mutex(State())
    /// Whether what is delivered stays pending.
    let keepsPending: Bool

    init(pendingBytes: Int = 0, keepsPending: Bool = false) {
        self.keepsPending = keepsPending
        state.withLock { $0.pendingBytes = pendingBytes }
    }

    var pendingBytes: Int {
        get { state.withLock { $0.pendingBytes } }
        set { state.withLock { $0.pendingBytes = newValue } }
    }

    var subscription: WatchSubscription? {
        get { state.withLock { $0.subscription } }
        set { state.withLock { $0.subscription = newValue } }
    }

    func deliver(_ batch: WatchBatch) {
        let bytes = batch.bytes
        state.withLock { state in
            state.events += batch.events
            state.lines.append(bytes)
            if keepsPending { state.pendingBytes += bytes.count }
        }
    }

    func close(_ reason: WatchEnd) {
        state.withLock { $0.end = reason }
    }

    var events: [WatchEvent] { state.withLock { $0.events } }
    var end: WatchEnd? { state.withLock { $0.end } }
    var lines: [[UInt8]] { state.withLock { $0.lines } }

    /// "ADDED ns/name@REVISION", "BOOKMARK @REVISION".
    var told: [String] {
        events.map { "\($0.kind.rawValue) \($0.object?.relativeKey ?? "")@\($0.revision)" }
    }

    /// The first `count` events, once they are here.
    func told(_ count: Int) async throws -> [String] {
        try await poll { self.told.count >= count }
        return told
    }
}

struct PollTimeout: Error {}

/// Waits until `condition` holds, for a while.
func poll(seconds: Double = 120, _ condition: @Sendable () -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while !condition() {
        guard ContinuousClock.now < end else { throw PollTimeout() }
        try await Task.sleep(for: .milliseconds(1))
    }
}

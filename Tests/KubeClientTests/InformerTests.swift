import KubeModel
import Logging
import Synchronization
import Testing

@testable import KubeClient

@Suite("An informer mirrors what the server has") struct InformerTests {
    private let api = InMemoryAPI([ConfigMap.definition])
    private var client: APIClient { APIClient(transport: api) }
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func map(_ name: String, _ value: String = "1") -> ConfigMap {
        ConfigMap(metadata: ObjectMeta(name: name, namespace: "shop"), data: ["key": value])
    }

    private func informer(indexes: [String: ObjectStore<ConfigMap>.Index] = [:]) -> Informer<ConfigMap> {
        Informer(client: client, indexes: indexes, logger: logger)
    }

    private final class Log: Sendable {
        let lines = Mutex<[String]>([])
        func note(_ change: InformerChange<ConfigMap>) {
            let name = change.key.name
            let line =
                switch change {
                case .added: "+\(name)"
                case .updated(_, let new): "~\(name)=\(new.data?["key"] ?? "")"
                case .deleted: "-\(name)"
                }
            lines.withLock { $0.append(line) }
        }
        var all: [String] { lines.withLock { $0 } }
    }

    @Test func `the store follows the server`() async throws {
        _ = try await client.create(map("a"))
        let informer = informer()
        let log = Log()
        informer.addHandler { log.note($0) }
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            #expect(log.all == ["+a"])
            _ = try await client.create(map("b"))
            _ = try await client.update(map("a", "2"))
            try await client.delete(ConfigMap.self, "b", namespace: "shop")
            try await eventually { log.all == ["+a", "+b", "~a=2", "-b"] }
            #expect(informer.store.keys.map(\.name) == ["a"])
        }
    }

    @Test func `handlers get whole objects where the store keeps less`() async throws {
        _ = try await client.create(map("a"))
        let informer = Informer<ConfigMap>(client: client, logger: logger, reduce: { $0.data = nil })
        let heard = Mutex<[String?]>([])
        informer.addHandler { change in heard.withLock { $0.append(change.object.data?["key"]) } }
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            _ = try await client.update(map("a", "2"))
            try await eventually { heard.withLock { $0 } == ["1", "2"] }
            let kept = try #require(informer.store.get("a", namespace: "shop"))
            #expect(kept.data == nil && kept.metadata.resourceVersion != nil)
            // What did not change is no news for all that.
            try await client.delete(ConfigMap.self, "a", namespace: "shop")
            try await eventually { heard.withLock { $0 } == ["1", "2", nil] }
        }
    }

    @Test func `a broken watch is resumed without a new list`() async throws {
        let informer = informer()
        let log = Log()
        informer.addHandler { log.note($0) }
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            try await eventually { api.openWatches == 1 }
            api.dropWatches()
            _ = try await client.create(map("during"))
            try await eventually { log.all == ["+during"] }
            let lists = api.requests.filter { $0.contains("limit=") }
            #expect(lists.count == 1)
        }
    }

    @Test func `a compacted revision leads to a new list and nothing is missed`() async throws {
        _ = try await client.create(map("stays"))
        _ = try await client.create(map("goes"))
        let informer = informer()
        let log = Log()
        informer.addHandler { log.note($0) }
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            try await eventually { api.openWatches == 1 }
            // The next watch fails, so that the changes below happen unseen and are then compacted away.
            api.failNext("GET", with: .tooManyRequests("later"))
            api.dropWatches()
            try await client.delete(ConfigMap.self, "goes", namespace: "shop")
            _ = try await client.create(map("new"))
            api.compact()
            try await eventually { Set(informer.store.keys.map(\.name)) == ["stays", "new"] }
            #expect(Set(log.all) == ["+stays", "+goes", "-goes", "+new"])
        }
    }

    @Test func `a failing list is repeated`() async throws {
        api.failNext("GET", with: .internalError("out of order"))
        _ = try await client.create(map("a"))
        let informer = informer()
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            #expect(informer.store.count == 1)
        }
    }

    @Test func `a failure is told once however often it is met, and so is its end`() async throws {
        for _ in 0..<5 { api.failNext("GET", with: .internalError("out of order")) }
        for _ in 0..<3 { api.failNext("GET", with: .internalError("still not")) }
        let lines = LoggedLines()
        var reflector = Reflector<ConfigMap>(client: client, logger: Logger(label: "test") { _ in lines })
        reflector.backoff = Backoff(initial: .microseconds(10), limit: .milliseconds(1))
        let steady = reflector
        try await withBackground({ try await steady.run { _ in } }) {
            try await eventually { lines.all.count == 3 }
        }
        #expect(lines.all[0].contains("configmaps: ") && lines.all[0].contains("out of order"))
        #expect(lines.all[1].contains("still not"))
        #expect(lines.all[2] == "configmaps: works again")
    }

    @Test func `a late handler gets what is there`() async throws {
        _ = try await client.create(map("a"))
        let informer = informer()
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            let log = Log()
            let registration = informer.addHandler { log.note($0) }
            #expect(log.all == ["+a"])
            registration.cancel()
            _ = try await client.create(map("b"))
            try await eventually { informer.store.count == 2 }
            #expect(log.all == ["+a"])
        }
    }

    @Test func `what our write returned is there at once and told once`() async throws {
        let informer = informer()
        let log = Log()
        informer.addHandler { log.note($0) }
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            let created = try await client.create(map("a"))
            informer.absorb(created)
            #expect(informer.store.count == 1)
            _ = try await client.create(map("b"))
            try await eventually { log.all.contains("+b") }
            #expect(log.all == ["+a", "+b"])
            // An answer that arrives after the watch went past it must not bring back the past.
            try await client.delete(ConfigMap.self, "a", namespace: "shop")
            try await eventually { informer.store.count == 1 }
            informer.absorb(created)
            #expect(informer.store.keys.map(\.name) == ["b"])
        }
    }

    @Test func `an object that was replaced is deleted and added`() async throws {
        let informer = informer()
        let log = Log()
        informer.addHandler { log.note($0) }
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            _ = try await client.create(map("a"))
            try await eventually { informer.store.count == 1 }
            api.failNext("GET", with: .expired("compacted"))
            api.dropWatches()
            try await client.delete(ConfigMap.self, "a", namespace: "shop")
            _ = try await client.create(map("a"))
            try await eventually { log.all.count >= 3 }
            #expect(log.all == ["+a", "-a", "+a"])
        }
    }

    @Test func `server-side bookkeeping is not kept`() async throws {
        var object = map("a")
        object.metadata.annotations = ["kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"]
        object.metadata.managedFields = [["manager": "kubectl"]]
        _ = try await client.create(object)
        let informer = informer()
        try await withBackground({ try await informer.run() }) {
            try await informer.waitForSync()
            let kept = informer.store.get("a", namespace: "shop")
            #expect(kept?.metadata.annotations == ["mine": "1"])
            #expect(kept?.metadata.managedFields == nil)
        }
    }

    @Test func `indexes follow changes`() async throws {
        let store = ObjectStore<ConfigMap>(indexes: ["value": { [$0.data?["key"] ?? ""] }])
        store.set(map("a", "x"))
        store.set(map("b", "x"))
        #expect(store.objects(index: "value", "x").count == 2)
        store.set(map("b", "y"))
        #expect(store.objects(index: "value", "x").map(\.metadata.name) == ["a"])
        #expect(store.objects(index: "value", "y").map(\.metadata.name) == ["b"])
        store.remove(NamespacedName(namespace: "shop", name: "b"))
        #expect(store.values(ofIndex: "value") == ["x"])
        store.addIndexes(["name": { [$0.metadata.name ?? ""] }])
        #expect(store.objects(index: "name", "a").count == 1)
        #expect(store.objects(index: "none", "a").isEmpty)
    }

    @Test func `waiting for sync ends with the task`() async throws {
        let informer = informer()
        let task = Task { try await informer.waitForSync() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

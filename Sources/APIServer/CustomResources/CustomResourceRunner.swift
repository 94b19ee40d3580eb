import APIResources
import KubeModel
import Logging
import Store
import Synchronization
import System
import WatchCache

/// Serves what the stored CustomResourceDefinitions declare: follows them in the store, compiles them, swaps the served
/// resources, tells of it in `status`, and empties what is deleted.
///
/// The store's thread only notes what changed. A worker compiles and loads, and who asks for a custom resource or for
/// discovery meanwhile waits for it without holding a loop: whoever was answered a write of a definition finds it served.
final class CustomResourceRunner: ResourceSource {
    /// A definition as it is served.
    struct Entry: Sendable {
        var spec: CustomResourceSpec
        /// Revision of the definition's creation: who came first has the names.
        var created: Revision
        var accepted: CustomResourceNames
        var isEstablished: Bool
        /// What the resources below were made from.
        var served: Key?
        var storage: ServedResource?
        var storageHash = ""
    }

    struct Key: Hashable, Sendable {
        var uid: String
        var generation: Int
        var names: CustomResourceNames
        var isTerminating: Bool
    }

    enum Change: Sendable {
        case stored([UInt8], created: Revision)
        case removed
    }

    let definitions: ServedResource
    let resources: ServedResources
    let store: any Store
    let loop: KeeperLoop
    /// Where requests go on that have waited.
    private let queue: any WorkQueue
    private let logger: Logger
    /// Makes what is served.
    let worker: BoundedWorker
    /// By name, as they are served; never held for long.
    private let entries = Mutex<[String: Entry]>([:])
    /// Held while changes are made.
    private let making = Mutex<Void>(())
    /// Who waits until so many changes are made.
    private let waiting = Mutex<[(change: UInt64, goOn: @Sendable () -> Void)]>([])
    private let pending = Mutex<[String: Change]>([:])
    private let received = Atomic<UInt64>(0)
    private let settled = Atomic<UInt64>(0)
    private let observation = Mutex<Observation?>(nil)

    /// Milliseconds between looks at objects that wait for their finalizers.
    static let pollInterval = 200
    /// How many requests wait for the worker at most.
    static let maxWaiting = 1000

    /// - Throws: when the system has no thread to give.
    init(
        definitions: ServedResource, resources: ServedResources, store: any Store, loop: KeeperLoop,
        queue: any WorkQueue, logger: Logger
    ) throws(SystemError) {
        // One job that waits sees to everything that has changed until it begins.
        worker = try BoundedWorker(name: "api-kinds", capacity: 1)
        self.definitions = definitions
        self.resources = resources
        self.store = store
        self.loop = loop
        self.queue = queue
        self.logger = logger
    }

    deinit {
        observation.withLock { $0 }?.cancel()
    }

    /// Serves everything that is declared when it returns, and follows from then on. Blocks on disk.
    func start() {
        let observation = store.observe(prefix: definitions.keyPrefix) { [weak self] in self?.receive($0) }
        self.observation.withLock { $0 = observation }
        let stored = definitions.cache.list(namespace: nil, labels: nil, fields: nil).items
        pending.withLock { pending in
            for object in stored where pending[object.name] == nil {
                pending[object.name] = .stored(object.bytes, created: object.createRevision)
            }
        }
        if !stored.isEmpty { received.add(1, ordering: .acquiringAndReleasing) }
        resources.follow(self)
        settle()
    }

    func stop() {
        observation.withLock { $0.take() }?.cancel()
    }

    /// Returns when everything is made that has been received, and who waited for it goes on. Behind `stop`.
    func close() {
        worker.stop()
    }

    /// On the store's thread.
    private func receive(_ events: [StoreEvent]) {
        let prefix = definitions.keyPrefix
        pending.withLock { pending in
            for event in events {
                let name = String(event.key.dropFirst(prefix.count))
                pending[name] =
                    event.kind == .deleted ? .removed : .stored(event.value, created: event.createRevision)
            }
        }
        received.add(1, ordering: .acquiringAndReleasing)
        // Refused: there is a job already that has not begun.
        _ = worker.submit { [weak self] in self?.settle() }
    }

    /// Makes the changes that have been received. Blocks on disk, and compiles.
    private func settle() {
        let followUps = making.withLock { _ -> [@Sendable () -> Void] in
            let reached = received.load(ordering: .acquiring)
            let changes = pending.withLock { pending in
                defer { pending = [:] }
                return pending
            }
            var followUps: [@Sendable () -> Void] = []
            if !changes.isEmpty {
                var entries = entries.withLock { $0 }
                followUps = make(changes, &entries)
                self.entries.withLock { [entries] in $0 = entries }
            }
            settled.store(reached, ordering: .releasing)
            return followUps
        }
        for followUp in followUps { loop.run(followUp) }
        release()
    }

    /// Lets go on who waited for what is made now.
    private func release() {
        let reached = settled.load(ordering: .acquiring)
        let ready = waiting.withLock { waiting in
            let ready = waiting.filter { $0.change <= reached }
            waiting.removeAll { $0.change <= reached }
            return ready
        }
        for waiter in ready { queue.run(waiter.goOn) }
    }

    /// The definitions that are served, for documents made of them.
    var established: [CustomResourceSpec] {
        entries.withLock { $0.values.filter { $0.served != nil }.map(\.spec) }
    }

    /// Whether changes that somebody has been told of are still being made.
    var isBehind: Bool { settled.load(ordering: .acquiring) < received.load(ordering: .acquiring) }

    /// Has `goOn` run on a loop once all changes are made that have been received; false when too many wait already.
    func whenSettled(_ goOn: @escaping @Sendable () -> Void) -> Bool {
        let change = received.load(ordering: .acquiring)
        let isTaken = waiting.withLock { waiting in
            guard waiting.count < Self.maxWaiting else { return false }
            waiting.append((change, goOn))
            return true
        }
        // The worker may have come to an end just before.
        if isTaken { release() }
        return isTaken
    }

    func entry(_ name: String) -> Entry? {
        entries.withLock { $0[name] }
    }

    // MARK: Changes

    /// - Returns: what is to be done on the loop.
    private func make(_ changes: [String: Change], _ entries: inout [String: Entry]) -> [@Sendable () -> Void] {
        var documents: [String: JSONValue] = [:]
        var groups: Set<String> = []
        var served: [String: [ServedResource]] = [:]
        var followUps: [@Sendable () -> Void] = []
        for (name, change) in changes {
            switch change {
            case .removed:
                guard let entry = entries.removeValue(forKey: name) else { continue }
                groups.insert(entry.spec.group)
                served[name] = []
                if let storage = entry.storage { followUps.append { self.sweep(storage) } }
            case .stored(let bytes, let created):
                // What is in the store was JSON when it was written.
                guard let document = try? JSONParser.parse(bytes) else { continue }
                documents[name] = document
                let spec = CustomResourceSpec(document)
                groups.insert(spec.group)
                if let old = entries[name], old.spec.uid == spec.uid {
                    entries[name]?.spec = spec
                } else {
                    entries[name] = Entry(
                        spec: spec, created: created,
                        accepted: CustomResourceNames(document["status"]["acceptedNames"]),
                        isEstablished: DefinitionStatus.isTrue("Established", document["status"]))
                }
            }
        }
        for group in groups.sorted() {
            followUps += arrange(group, documents, &entries, &served)
        }
        if !served.isEmpty { resources.serve(served) }
        return followUps
    }

    /// Decides the names of a group's definitions and compiles those that are new or others.
    private func arrange(
        _ group: String, _ documents: [String: JSONValue], _ entries: inout [String: Entry],
        _ served: inout [String: [ServedResource]]
    ) -> [@Sendable () -> Void] {
        let builtIn = resources.builtIn(group: group).map { CustomResourceNames($0) }
        let members = entries.filter { $0.value.spec.group == group }
            .sorted {
                ($0.value.isEstablished ? 0 : 1, $0.value.created) < ($1.value.isEstablished ? 0 : 1, $1.value.created)
            }
            .map(\.key)
        var followUps: [@Sendable () -> Void] = []
        for name in members {
            guard var entry = entries[name] else { continue }
            let isProvided = ProvidedDefinitions.contains(name, kind: entry.spec.requestedNames.kind)
            let others = members.filter { $0 != name }.compactMap { entries[$0]?.accepted }
            let decision =
                isProvided
                ? NameDecision(provided: entry.spec.requestedNames)
                : NameDecision(requested: entry.spec.requestedNames, current: entry.accepted, others: builtIn + others)
            let isNew = documents[name] != nil
            guard isNew || decision.accepted != entry.accepted || (decision.conflict == nil && !entry.isEstablished)
            else { continue }
            entry.accepted = decision.accepted
            if decision.conflict == nil { entry.isEstablished = true }
            guard let document = documents[name] ?? stored(name) else { continue }
            let key = Key(
                uid: entry.spec.uid, generation: entry.spec.generation, names: entry.accepted,
                isTerminating: entry.spec.isTerminating)
            if entry.isEstablished, !isProvided, entry.served != key { served[name] = serve(document, key, &entry) }
            entries[name] = entry
            let now = loop.now
            if DefinitionStatus.settled(document, decision, now: now) != document["status"] {
                let uid = entry.spec.uid
                followUps.append { self.tell(name, uid, decision, now) }
            }
            if entry.spec.isTerminating { followUps.append { self.clean(name) } }
        }
        return followUps
    }

    private func stored(_ name: String) -> JSONValue? {
        // Unreadable would mean that it is no definition.
        definitions.cache.get(namespace: "", name: name).flatMap { try? definitions.served($0) }
    }

    /// The resources of a definition; those it had before when it can't be compiled.
    private func serve(_ document: JSONValue, _ key: Key, _ entry: inout Entry) -> [ServedResource]? {
        do {
            guard let compiled = try CustomResourceCompiler.compile(document, entry.spec, names: key.names) else {
                return nil
            }
            let cache: ResourceCache
            if let storage = entry.storage, entry.storageHash == compiled.storageHash {
                cache = storage.cache
            } else {
                cache = try makeCache(compiled)
            }
            entry.storage = resource(compiled.storage, cache)
            entry.storageHash = compiled.storageHash
            entry.served = key
            return compiled.versions.filter(\.isServed).map { resource($0, cache) }
        } catch {
            logger.error("\(entry.spec.name) can't be served: \(error)")
            return nil
        }
    }

    private func makeCache(_ compiled: CustomResourceCompiler.Compiled) throws(StoreError) -> ResourceCache {
        let definition = compiled.storage.strategy.definition
        let fields = compiled.selectableFields
        var configuration = ResourceCache.Configuration(
            prefix: ServedResources.prefix(definition), definition: definition)
        configuration.normalize = compiled.normalize
        if !fields.isEmpty {
            configuration.selectableFields = { bytes in
                // What is in the store was JSON when it was written; anything else selects as an empty object.
                FieldValues.read(fields, from: (try? JSONParser.parse(bytes)) ?? [:])
            }
        }
        return try resources.makeCache(configuration)
    }

    private func resource(_ version: CustomResourceCompiler.Compiled.Version, _ cache: ResourceCache) -> ServedResource
    {
        let strategy = version.strategy
        let resources = resources
        return ServedResource(
            strategy: strategy, definition: strategy.definition, apiVersion: strategy.definition.apiVersion,
            schema: strategy.schema, scaleSchema: strategy.scale == nil ? nil : resources.scaleSchema,
            columns: version.columns, cache: cache, keyPrefix: ServedResources.prefix(strategy.definition))
    }
}

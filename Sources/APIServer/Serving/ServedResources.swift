import APIResources
import KubeModel
import Store
import Synchronization
import WatchCache

/// Every resource with what is needed to serve it. The built-in kinds are there from the start; others come and go while
/// the server runs. A reader sees one state at a time: take `current` once where several answers have to agree.
final class ServedResources: Sendable {
    /// What is served at one moment. Never changes.
    final class Snapshot: Sendable {
        /// The built-in resources in the order discovery lists them, then the others by group, version and name.
        let all: [ServedResource]
        /// The resources whose objects live in namespaces, one for each kind of stored object.
        let namespaced: [ServedResource]
        /// Counts the changes of the set; 0 is what the server starts with.
        let generation: UInt64
        private let byPath: [GroupVersionResource: Int]

        fileprivate init(_ all: [ServedResource], generation: UInt64) {
            self.all = all
            self.generation = generation
            namespaced = Self.kept(all.filter(\.definition.namespaced))
            var byPath: [GroupVersionResource: Int] = [:]
            byPath.reserveCapacity(all.count)
            // What was there first keeps its path.
            for (index, resource) in all.enumerated() where byPath[resource.definition.groupVersionResource] == nil {
                byPath[resource.definition.groupVersionResource] = index
            }
            self.byPath = byPath
        }

        /// One for each place in the store: the one that serves objects as they are stored, if there is one.
        private static func kept(_ resources: [ServedResource]) -> [ServedResource] {
            let direct = resources.filter(\.isStorageVersion)
            var seen = Set(direct.map(\.keyPrefix))
            return direct + resources.filter { seen.insert($0.keyPrefix).inserted }
        }

        /// What `/apis/GROUP/VERSION/PLURAL` names (`group` "" for `/api/v1`).
        func find(group: String, version: String, plural: String) -> ServedResource? {
            byPath[GroupVersionResource(group: group, version: version, resource: plural)].map { all[$0] }
        }
    }

    private struct State {
        var snapshot: Snapshot
        /// By the name of what they come from.
        var added: [String: [ServedResource]] = [:]
        weak var source: (any ResourceSource)?
        var onRemoval: (@Sendable (Set<GroupVersionResource>) -> Void)?
    }

    private let builtIn: [ServedResource]
    private let schemas: SchemaRegistry
    private let state: Mutex<State>
    private let store: any Store
    private let dispatcher: WatchDispatcher
    private let bookmarkSeconds: Int

    /// Loads every resource's cache from the store, and claims what the objects found hold.
    init(
        _ registry: ResourceRegistry, schemas: SchemaRegistry, store: any Store, dispatcher: WatchDispatcher,
        bookmarkSeconds: Int = 60
    ) throws(StoreError) {
        var all: [ServedResource] = []
        var caches: [String: ResourceCache] = [:]
        for strategy in registry.strategies {
            let definition = strategy.definition
            let kept = strategy.storedForm?.definition ?? definition
            let prefix = Self.prefix(kept)
            let cache: ResourceCache
            if let shared = caches[prefix] {
                cache = shared
            } else {
                let owner = registry.strategy(group: kept.group, version: kept.version, plural: kept.plural) ?? strategy
                cache = try ResourceCache(
                    ResourceCache.Configuration(
                        prefix: prefix, definition: kept, selectableFields: Self.selectableFields(owner),
                        bookmarkInterval: Int64(bookmarkSeconds)),
                    store: store, dispatcher: dispatcher)
                caches[prefix] = cache
            }
            all.append(
                ServedResource(
                    strategy: strategy, definition: definition, apiVersion: definition.apiVersion,
                    schema: schemas.schema(for: definition.groupVersionKind),
                    scaleSchema: strategy.scale == nil
                        ? nil : schemas.schema(for: ScaleMapping.definition.groupVersionKind),
                    columns: BuiltInTables.columns(for: definition) ?? .standard, cache: cache, keyPrefix: prefix))
        }
        builtIn = all
        self.schemas = schemas
        self.store = store
        self.dispatcher = dispatcher
        self.bookmarkSeconds = bookmarkSeconds
        state = Mutex(State(snapshot: Snapshot(all, generation: 0)))
        for resource in all where resource.strategy.storedForm == nil && resource.strategy.holdsClaims {
            for object in resource.cache.list(namespace: nil, labels: nil, fields: nil).items {
                // What is in the store was JSON when it was written; `extract` has reported anything else.
                if let document = try? resource.served(object) { resource.strategy.restore(document) }
            }
        }
    }

    /// nil for a kind without field selectors of its own: its objects need not be parsed.
    private static func selectableFields(_ strategy: any ResourceStrategy) -> CachedObject.SelectableFields? {
        guard !strategy.selectableFieldNames.isEmpty else { return nil }
        return { bytes in
            // What is in the store was JSON when it was written; anything else selects as an empty object.
            strategy.selectableFields(of: (try? JSONParser.parse(bytes)) ?? [:])
        }
    }

    /// Where a resource's objects are in the store.
    static func prefix(_ definition: ResourceDefinition) -> String {
        "/registry/\(definition.group.isEmpty ? "core" : definition.group)/\(definition.plural)/"
    }

    var current: Snapshot { state.withLock { $0.snapshot } }

    var all: [ServedResource] { current.all }

    /// The resources whose objects live in namespaces, one for each kind of stored object.
    var namespaced: [ServedResource] { current.namespaced }

    /// Counts the changes of the set, so that what is derived from it can be derived again.
    var generation: UInt64 { current.generation }

    /// What `/apis/GROUP/VERSION/PLURAL` names (`group` "" for `/api/v1`).
    func find(group: String, version: String, plural: String) -> ServedResource? {
        current.find(group: group, version: version, plural: plural)
    }

    /// The `v1` of a resource, or the only version of a built-in one that has no `v1`.
    func find(group: String, plural: String) -> ServedResource? {
        find(group: group, version: "v1", plural: plural)
            ?? builtIn.first { $0.definition.plural == plural && $0.definition.group == group }
    }

    /// Who has to be waited for before a request can be answered; nil: nobody, which is so whenever it asks for a kind that
    /// is built in.
    func sourceToAwait(for info: RequestInfo) -> (any ResourceSource)? {
        guard let source = state.withLock({ $0.source }), source.isBehind else { return nil }
        switch info.target {
        case .resource(let path):
            let found = find(group: path.group, version: path.version, plural: path.plural)
            return found?.strategy.isCustomResource ?? true ? source : nil
        case .nonResource: return ["api", "apis", "openapi"].contains(info.segments.first) ? source : nil
        }
    }

    /// Has `source` waited for where an answer depends on resources that come and go.
    func follow(_ source: any ResourceSource) {
        state.withLock { $0.source = source }
    }

    /// Has `handler` told what is no longer served, after the fact.
    func onRemoval(_ handler: @escaping @Sendable (Set<GroupVersionResource>) -> Void) {
        state.withLock { $0.onRemoval = handler }
    }

    /// The built-in kinds of a group.
    func builtIn(group: String) -> [ResourceDefinition] {
        builtIn.map(\.definition).filter { $0.group == group }
    }

    /// The schema of `autoscaling/v1 Scale`.
    var scaleSchema: Schema? { builtIn.lazy.compactMap(\.scaleSchema).first }

    /// The schema of what is posted to a subresource.
    func schema(for kind: GroupVersionKind) -> Schema? { schemas.schema(for: kind) }

    /// Loads the objects of a resource that is to be served. Blocks on disk.
    func makeCache(_ configuration: ResourceCache.Configuration) throws(StoreError) -> ResourceCache {
        var configuration = configuration
        configuration.bookmarkInterval = Int64(bookmarkSeconds)
        return try ResourceCache(configuration, store: store, dispatcher: dispatcher)
    }

    /// Serves these resources, by the name of what they come from, in place of those served for the same name before;
    /// none ends the service. Every request that begins after this returns sees it. Caches that nothing uses any more are
    /// closed, and with them their watches end.
    func serve(_ changes: [String: [ServedResource]]) {
        let (unused, removed) = state.withLock { state -> ([ResourceCache], Set<GroupVersionResource>) in
            var before: [ObjectIdentifier: ResourceCache] = [:]
            var removed: Set<GroupVersionResource> = []
            for owner in changes.keys {
                for resource in state.added[owner] ?? [] {
                    before[ObjectIdentifier(resource.cache)] = resource.cache
                    removed.insert(resource.definition.groupVersionResource)
                }
            }
            for (owner, resources) in changes { state.added[owner] = resources.isEmpty ? nil : resources }
            for resource in state.added.values.joined() {
                before[ObjectIdentifier(resource.cache)] = nil
                removed.remove(resource.definition.groupVersionResource)
            }
            let added = state.added.values.joined().sorted { Self.precedes($0.definition, $1.definition) }
            state.snapshot = Snapshot(builtIn + added, generation: state.snapshot.generation + 1)
            return (Array(before.values), removed)
        }
        for cache in unused { cache.close() }
        if !removed.isEmpty, let onRemoval = state.withLock({ $0.onRemoval }) { onRemoval(removed) }
    }

    /// The order of discovery: groups by name, versions as Kubernetes prefers them, resources by name.
    private static func precedes(_ left: ResourceDefinition, _ right: ResourceDefinition) -> Bool {
        if left.group != right.group { return left.group < right.group }
        if left.version != right.version { return VersionPriority(left.version) < VersionPriority(right.version) }
        return left.plural < right.plural
    }
}

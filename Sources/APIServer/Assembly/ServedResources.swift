import KubeModel
import Store

/// Every resource with what is needed to serve it.
struct ServedResources: Sendable {
    let all: [ServedResource]
    private let registry: ResourceRegistry

    /// Loads every resource's cache from the store, and claims what the objects found hold.
    init(_ registry: ResourceRegistry, schemas: SchemaRegistry, store: any Store, dispatcher: WatchDispatcher)
        throws(StoreError)
    {
        self.registry = registry
        var all: [ServedResource] = []
        var caches: [String: ResourceCache] = [:]
        for strategy in registry.strategies {
            let definition = strategy.definition
            let kept = strategy.storedForm?.definition ?? definition
            let prefix = "/registry/\(kept.group.isEmpty ? "core" : kept.group)/\(kept.plural)/"
            let cache: ResourceCache
            if let shared = caches[prefix] {
                cache = shared
            } else {
                let owner = registry.strategy(group: kept.group, version: kept.version, plural: kept.plural) ?? strategy
                cache = try ResourceCache(
                    ResourceCache.Configuration(
                        prefix: prefix, definition: kept, selectableFields: Self.selectableFields(owner)),
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
        self.all = all
        for resource in all where resource.strategy.storedForm == nil {
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

    /// What `/apis/GROUP/VERSION/PLURAL` names (`group` "" for `/api/v1`).
    func find(group: String, version: String, plural: String) -> ServedResource? {
        registry.index(group: group, version: version, plural: plural).map { all[$0] }
    }

    /// The resources whose objects live in namespaces, one for each kind of stored object.
    var namespaced: [ServedResource] {
        all.filter { $0.definition.namespaced && $0.strategy.storedForm == nil }
    }
}

import APIResources
import KubeModel
import Store
import WatchCache

/// One resource with everything needed to serve it. Resources kept in another form share that form's cache.
///
/// A class, so that handing it from phase to phase costs one reference.
final class ServedResource: Sendable {
    let strategy: any ResourceStrategy
    let definition: ResourceDefinition
    /// "v1", "networking.k8s.io/v1".
    let apiVersion: String
    private let lazySchema: LazySchema
    private let lazyScaleSchema: LazySchema
    let columns: TableColumns
    let cache: ResourceCache
    /// "/registry/core/services/".
    let keyPrefix: String
    /// The kind's protobuf message; nil: it has none, as custom resources and the kinds of our own.
    let protobufMessage: String?

    /// - Parameters:
    ///   - schema: worked out when an object of the kind is first written.
    ///   - scaleSchema: likewise, that of `autoscaling/v1 Scale`, for kinds that have the subresource.
    init(
        strategy: any ResourceStrategy, definition: ResourceDefinition, apiVersion: String,
        schema: @autoclosure @escaping @Sendable () -> Schema?,
        scaleSchema: @autoclosure @escaping @Sendable () -> Schema? = nil, columns: TableColumns,
        cache: ResourceCache, keyPrefix: String
    ) {
        self.strategy = strategy
        self.definition = definition
        self.apiVersion = apiVersion
        lazySchema = LazySchema(schema)
        lazyScaleSchema = LazySchema(scaleSchema)
        self.columns = columns
        self.cache = cache
        self.keyPrefix = keyPrefix
        protobufMessage =
            strategy.isCustomResource ? nil : ProtobufFields.kinds["\(apiVersion)/\(definition.kind)"]
    }

    var schema: Schema? { lazySchema.schema }
    var scaleSchema: Schema? { lazyScaleSchema.schema }

    /// "services" or "ingresses.networking.k8s.io", as messages name it.
    var groupResource: String {
        definition.group.isEmpty ? definition.plural : "\(definition.plural).\(definition.group)"
    }

    /// Whether objects are kept in this very version.
    var isStorageVersion: Bool { strategy.storedForm.map { $0.definition.apiVersion == apiVersion } ?? true }

    var groupKind: GroupKind { GroupKind(group: definition.group, kind: definition.kind) }

    func key(namespace: String, name: String) -> String {
        definition.namespaced ? "\(keyPrefix)\(namespace)/\(name)" : keyPrefix + name
    }

    func serves(_ subresource: Subresource) -> Bool {
        switch subresource {
        case .status: definition.hasStatus
        case .finalize: definition.plural == "namespaces" && definition.group.isEmpty
        case .scale: strategy.scale != nil
        case .approval, .ephemeralcontainers: strategy.partSubresource == subresource.rawValue
        case .proxy: isProxied || unimplemented(subresource) != nil
        case .binding, .eviction: definition.plural == "pods" && definition.group.isEmpty
        default: unimplemented(subresource) != nil
        }
    }

    /// Whether requests to its `proxy` are forwarded.
    var isProxied: Bool { definition.group.isEmpty && ["pods", "services"].contains(definition.plural) }

    /// A subresource that is answered with 501.
    func unimplemented(_ subresource: Subresource) -> SubresourceDefinition? {
        strategy.unimplementedSubresources.first { $0.name == subresource.rawValue }
    }

    /// The document a client sees, from what the cache has.
    func served(_ object: CachedObject) throws(Status) -> JSONValue {
        guard !object.isDamaged else { throw Status.unreadable(definition.groupResource, [object.relativeKey]) }
        let stored: JSONValue
        do {
            stored = try JSONParser.parse(object.bytes)
        } catch {
            throw Status.internalError("stored object of \(groupResource) is not JSON")
        }
        return try strategy.storedForm?.decode(stored) ?? stored
    }

    /// The bytes a client sees: the stored ones, unless the resource is kept in another form.
    func servedBytes(_ object: CachedObject) throws(Status) -> [UInt8] {
        strategy.storedForm == nil ? object.bytes : try served(object).encoded()
    }
}

extension ServedResource {
    var documentReader: DocumentReader {
        DocumentReader(
            definition: definition, schema: schema, isCustomResource: strategy.isCustomResource,
            isCheckedBySchema: strategy.isCheckedBySchema)
    }

    /// Stored bytes as a client sees them.
    func served(bytes: [UInt8]) throws(Status) -> [UInt8] {
        guard let form = strategy.storedForm else { return bytes }
        if let served = form.decodeBytes?(bytes) { return served }
        let stored: JSONValue
        do {
            stored = try JSONParser.parse(bytes)
        } catch {
            throw Status.internalError("a stored object is not JSON")
        }
        return try form.decode(stored).encoded()
    }

    /// Whether two served documents without their owners say the same, whatever version each carries.
    func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        guard let left = left.object, let right = right.object, let ownMetadata = left["metadata"]?.object,
            let otherMetadata = right["metadata"]?.object
        else { return left == right }
        return ownMetadata.isEqual(to: otherMetadata, ignoring: ["resourceVersion"])
            && left.isEqual(to: right, ignoring: ["metadata"])
    }
}

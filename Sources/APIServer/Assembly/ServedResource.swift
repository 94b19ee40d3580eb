import KubeModel
import Store

/// One resource with everything needed to serve it. Resources kept in another form share that form's cache.
struct ServedResource: Sendable {
    let strategy: any ResourceStrategy
    let definition: ResourceDefinition
    /// "v1", "networking.k8s.io/v1".
    let apiVersion: String
    let schema: Schema?
    let columns: TableColumns
    let cache: ResourceCache
    /// "/registry/core/services/".
    let keyPrefix: String

    /// "services" or "ingresses.networking.k8s.io", as messages name it.
    var groupResource: String {
        definition.group.isEmpty ? definition.plural : "\(definition.plural).\(definition.group)"
    }

    var groupKind: GroupKind { GroupKind(group: definition.group, kind: definition.kind) }

    func key(namespace: String, name: String) -> String {
        definition.namespaced ? "\(keyPrefix)\(namespace)/\(name)" : keyPrefix + name
    }

    func serves(_ subresource: Subresource) -> Bool {
        switch subresource {
        case .status: definition.hasStatus
        case .finalize: definition.plural == "namespaces" && definition.group.isEmpty
        }
    }

    /// The document a client sees, from what the cache has.
    func served(_ object: CachedObject) throws(Status) -> JSONValue {
        let stored: JSONValue
        do {
            stored = try JSONParser.parse(object.bytes)
        } catch {
            throw Status.internalError("stored object of \(groupResource) is not JSON")
        }
        return strategy.storedForm?.decode(stored) ?? stored
    }

    /// The bytes a client sees: the stored ones, unless the resource is kept in another form.
    func servedBytes(_ object: CachedObject) throws(Status) -> [UInt8] {
        strategy.storedForm == nil ? object.bytes : try served(object).encoded()
    }
}

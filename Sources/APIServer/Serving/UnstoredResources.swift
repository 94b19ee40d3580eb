import KubeModel

/// Every resource that is answered and not kept. There from the start, and never changes.
final class UnstoredResources: Sendable {
    let all: [ServedUnstoredResource]

    init(_ resources: [any UnstoredResource], schemas: SchemaRegistry) {
        all = resources.map { resource in
            let kind = resource.definition.groupVersionKind
            return ServedUnstoredResource(resource, schema: schemas.schema(for: kind))
        }
    }

    /// What a path names. They are a handful: comparing is faster than hashing, and every request comes by.
    func find(_ path: RequestInfo.ResourcePath) -> ServedUnstoredResource? {
        all.first { served in
            let definition = served.definition
            return definition.plural == path.plural && definition.group == path.group
                && definition.version == path.version
        }
    }
}

public import KubeModel

/// A page of typed objects.
public struct ObjectList<Object: KubeObject>: Sendable {
    public var items: [Object]
    /// The revision that the list shows; watch from here.
    public var resourceVersion: String
    /// For the next page; nil on the last.
    public var continueToken: String?
    /// Items that could not be decoded, by key, with the reason.
    public var undecodable: [(key: NamespacedName, reason: String)]
}

extension APIClient {
    public func get<Object: KubeObject>(
        _ type: Object.Type, _ name: String, namespace: String? = nil
    ) async throws -> Object {
        try Self.decode(try await get(Object.definition, name, namespace: namespace))
    }

    /// One page of a list, or all of it without `limit`.
    ///
    /// - Parameter definition: another resource than the type's own, for a type that reads a part of any object.
    public func list<Object: KubeObject>(
        _ type: Object.Type = Object.self, of definition: ResourceDefinition = Object.definition,
        namespace: String? = nil, options: ListOptions = ListOptions(), projection: Projection = .whole
    ) async throws -> ObjectList<Object> {
        let document = try await list(definition, namespace: namespace, options: options, projection: projection)
        var result = ObjectList<Object>(
            items: [], resourceVersion: document["metadata"]["resourceVersion"]?.string ?? "", undecodable: [])
        if let token = document["metadata"]["continue"]?.string, !token.isEmpty { result.continueToken = token }
        let items = document["items"]?.array ?? []
        result.items.reserveCapacity(items.count)
        for item in items {
            // One bad object must not hide all others.
            do {
                result.items.append(try Self.decode(item))
            } catch {
                result.undecodable.append((Self.key(of: item), "\(error)"))
            }
        }
        return result
    }

    public func create<Object: KubeObject>(_ object: Object) async throws -> Object {
        try Self.decode(
            try await create(Object.definition, try Self.encode(object), namespace: object.metadata.namespace))
    }

    /// Replaces the object; with a resource version only if it is still at that one.
    public func update<Object: KubeObject>(_ object: Object, subresource: String? = nil) async throws -> Object {
        guard let name = object.metadata.name else { throw ClientError(.invalidRequest, "the object has no name") }
        return try Self.decode(
            try await update(
                Object.definition, try Self.encode(object), name: name, namespace: object.metadata.namespace,
                subresource: subresource))
    }

    /// Replaces the object's status only.
    public func updateStatus<Object: KubeObject>(_ object: Object) async throws -> Object {
        try await update(object, subresource: "status")
    }

    public func patch<Object: KubeObject>(
        _ type: Object.Type, _ name: String, namespace: String? = nil, _ patch: Patch,
        subresource: String? = nil
    ) async throws -> Object {
        try Self.decode(
            try await self.patch(Object.definition, name, namespace: namespace, patch, subresource: subresource))
    }

    public func delete<Object: KubeObject>(
        _ type: Object.Type, _ name: String, namespace: String? = nil, options: DeleteOptions = DeleteOptions()
    ) async throws {
        try await delete(Object.definition, name, namespace: namespace, options: options)
    }

    public func watch<Object: KubeObject>(
        _ type: Object.Type = Object.self, of definition: ResourceDefinition = Object.definition,
        namespace: String? = nil, options: ListOptions = ListOptions(), projection: Projection = .whole
    ) async throws -> WatchStream<Object> {
        try await openWatch(definition, namespace: namespace, options: options, projection: projection) {
            try Self.decode($0)
        }
    }

    /// The document of a typed object, with `apiVersion` and `kind`.
    public static func encode<Object: KubeObject>(_ object: Object) throws -> JSONValue {
        try object.json()
    }

    public static func decode<Object: KubeObject>(_ document: JSONValue) throws -> Object {
        do {
            return try Object(json: document)
        } catch {
            throw ClientError(
                .malformedAnswer, "\(Object.definition.kind) \(key(of: document)) cannot be read", cause: error)
        }
    }

    static func key(of document: JSONValue) -> NamespacedName {
        NamespacedName(
            namespace: document["metadata"]["namespace"]?.string ?? "",
            name: document["metadata"]["name"]?.string ?? "")
    }
}

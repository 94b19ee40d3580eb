import APIResources
import KubeModel
import Store
import System
import WatchCache

/// The read verbs, answered from the watch cache; only pages of an older moment come from the store's history.
struct ObjectReader: Sendable {
    let store: any Store
    let renderer: ObjectRenderer
    /// Reads what is no longer in memory.
    let worker: BoundedWorker

    /// GET of an object or of its `status`, which is the whole object too.
    func get(_ exchange: Exchange, _ operation: ResourceOperation) throws(Status) -> OutgoingResponse {
        if let text = exchange.query["resourceVersion"], !text.isEmpty, let version = Int64(text) {
            try requireReached(version)
        }
        let resource = operation.resource
        guard let object = resource.cache.get(namespace: operation.namespace, name: operation.name) else {
            throw Status.notFound(resource.definition.groupResource, operation.name)
        }
        if object.isDamaged { throw Status.unreadable(resource.definition.groupResource, [object.relativeKey]) }
        if operation.subresource == .scale, let mapping = resource.strategy.scale {
            let scale = try mapping.scale(of: try resource.served(object))
            return try renderer.scale(scale, shape: exchange.shape, now: exchange.now)
        }
        var response = try renderer.object(
            resource, stored: object.bytes, revision: nil, shape: exchange.shape, now: exchange.now,
            included: try Self.included(exchange), cached: object)
        Self.warn(of: CollectionOfOne(object), resource, &response)
        return response
    }

    /// Says of which objects the defaults are left out, so that nobody takes what is shown for the whole.
    private static func warn(
        of objects: some Collection<CachedObject>, _ resource: ServedResource, _ response: inout OutgoingResponse
    ) {
        guard resource.strategy.isCustomResource, let first = objects.first(where: \.lacksDefaults) else { return }
        let others = objects.count { $0.lacksDefaults } - 1
        let text =
            "\(resource.groupResource) \(goQuoted(first.relativeKey))\(others > 0 ? " and \(others) more are" : " is") "
            + "shown without the defaults of the schema, which would add more than \(Schema.defaultsLimit) bytes"
        response.headers.append(("Warning", WarningLog.header(text)))
    }

    /// GET of a collection. Calls `done` once: now, or, for a moment that only the store remembers, from the worker.
    func list(
        _ exchange: Exchange, _ operation: ResourceOperation,
        _ done: @escaping @Sendable (Result<OutgoingResponse, Status>) -> Void
    ) throws(Status) {
        let options = try ListOptions(exchange.query)
        let resource = operation.resource
        let query = PageQuery(
            resource: resource, fields: try FieldSelectorCheck.checked(options.fields, for: resource),
            namespace: operation.namespace.isEmpty ? nil : operation.namespace, options: options,
            token: options.continueToken.isEmpty ? nil : try ContinueToken(parsing: options.continueToken))
        let included = try Self.included(exchange)
        if let version = options.resourceVersion { try requireReached(version) }

        if let page = try query.cached() {
            done(.success(try response(exchange, resource, page, included)))
            return
        }
        let isTaken = worker.submit {
            do throws(Status) {
                done(.success(try self.response(exchange, resource, try query.stored(), included)))
            } catch {
                done(.failure(error))
            }
        }
        // So many read the past already that this one would wait for long.
        if !isTaken { throw Status.tooManyRequests() }
    }

    private func response(
        _ exchange: Exchange, _ resource: ServedResource, _ page: ResourceCache.Page,
        _ included: TableRenderer.IncludedObject
    ) throws(Status) -> OutgoingResponse {
        if page.items.contains(where: \.isDamaged) {
            // A list without them would be taken for the whole.
            throw Status.unreadable(
                resource.definition.groupResource, page.items.filter(\.isDamaged).map(\.relativeKey))
        }
        var next: ObjectRenderer.NextPage?
        if page.hasMore, let last = page.items.last {
            next = ObjectRenderer.NextPage(
                token: ContinueToken(revision: page.revision, start: last.relativeKey).text,
                remaining: page.remaining)
        }
        var response = try renderer.list(
            resource, page.items, revision: page.revision, next: next, shape: exchange.shape, now: exchange.now,
            included: included)
        Self.warn(of: page.items, resource, &response)
        return response
    }

    /// - Throws: 504 for a version this server has not reached, as Kubernetes answers after waiting for it.
    func requireReached(_ version: Int64) throws(Status) {
        let current = store.currentRevision.rawValue
        if version > current { throw ResourceCache.tooLarge(Revision(version), current: Revision(current)) }
    }

    /// What the rows of a Table carry; nobody looks at it where no Table is made.
    static func included(_ exchange: Exchange) throws(Status) -> TableRenderer.IncludedObject {
        guard case .table = exchange.shape.form, let text = exchange.query["includeObject"], !text.isEmpty else {
            return .metadata
        }
        guard let included = TableRenderer.IncludedObject(rawValue: text) else {
            throw Status.badRequest(
                "Unable to convert to Table as requested: includeObject: Invalid value: \(goQuoted(text)): must be "
                    + "'Metadata', 'Object', 'None', or empty")
        }
        return included
    }
}

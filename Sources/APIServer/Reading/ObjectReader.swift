import APIResources
import KubeModel
import Store
import WatchCache

/// The read verbs, answered from the watch cache; only pages of an older moment come from the store's history.
struct ObjectReader: Sendable {
    let store: any Store
    let renderer: ObjectRenderer

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
        return try renderer.object(
            resource, stored: object.bytes, revision: nil, shape: exchange.shape, now: exchange.now,
            included: try Self.included(exchange), cached: object)
    }

    /// GET of a collection.
    func list(_ exchange: Exchange, _ operation: ResourceOperation) throws(Status) -> OutgoingResponse {
        let options = try ListOptions(exchange.query)
        let resource = operation.resource
        let fields = try FieldSelectorCheck.checked(options.fields, for: resource)
        let namespace = operation.namespace.isEmpty ? nil : operation.namespace
        let included = try Self.included(exchange)
        if let version = options.resourceVersion { try requireReached(version) }

        var token: ContinueToken?
        if !options.continueToken.isEmpty { token = try ContinueToken(parsing: options.continueToken) }
        let exact = options.isExact ? options.resourceVersion.map { Revision($0) } : nil
        let at = if let token { token.revision } else { exact }

        let page = try page(
            resource, at: at, namespace: namespace, options, fields, after: token?.start)
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
        return try renderer.list(
            resource, page.items, revision: page.revision, next: next, shape: exchange.shape, now: exchange.now,
            included: included)
    }

    private func page(
        _ resource: ServedResource, at revision: Revision?, namespace: String?, _ options: ListOptions,
        _ fields: FieldSelector?, after start: String?
    ) throws(Status) -> ResourceCache.Page {
        do throws(StoreError) {
            return try resource.cache.listPage(
                namespace: namespace, labels: options.labels, fields: fields, at: revision, after: start,
                limit: options.limit > 0 ? options.limit : nil)
        } catch {
            switch error.code {
            case .compacted:
                guard let start else { throw .expired("The resourceVersion for the provided list is too old.") }
                throw Self.continuationExpired(after: start)
            case .future(let current): throw ResourceCache.tooLarge(revision ?? current, current: current)
            default: throw .internalError("the store did not answer the list")
            }
        }
    }

    /// What a continuation whose moment is gone is answered with: it can go on, but not with that moment.
    private static func continuationExpired(after start: String) -> Status {
        var status = Status.expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list "
                + "without the continue parameter, or use the continue token in this response to retrieve the remainder "
                + "of the results. Continuing with the provided token results in an inconsistent list - objects that "
                + "were created, modified, or deleted between the time the first chunk was returned and now may show "
                + "up in the list.")
        status.metadata = Status.ListMetadata(continue: ContinueToken(revision: nil, start: start).text)
        return status
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
